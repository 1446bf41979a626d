/* SPDX-License-Identifier: GPL-2.0-only */
/* What a configuration of the NVMe target consists of: tables to be walked. */
#ifndef P2PMR_TOOLS_NVMET_SCHEMA_H
#define P2PMR_TOOLS_NVMET_SCHEMA_H

#include <stdbool.h>

struct json_object;

/**
 * enum nvmet_type - what values an attribute has
 * @NVMET_TEXT: printable, at most @max bytes
 * @NVMET_NAME: the same, as the name of a folder of configfs
 * @NVMET_WORD: one of @words
 * @NVMET_BOOL: "0" or "1"
 * @NVMET_SWITCH: the same; in files it is a number
 * @NVMET_NUMBER: decimal, from @min to @max
 * @NVMET_UUID: 32 hexadecimal digits in groups
 * @NVMET_P2PMEM: "0", "1" or a PCI address
 */
enum nvmet_type {
	NVMET_TEXT,
	NVMET_NAME,
	NVMET_WORD,
	NVMET_BOOL,
	NVMET_SWITCH,
	NVMET_NUMBER,
	NVMET_UUID,
	NVMET_P2PMEM,
};

/**
 * struct nvmet_attr - one file of configfs
 * @group: the object that it is in, in JSON; NULL: in the item itself
 * @name: its key there. The file is GROUP_NAME, or NAME without a group
 * @type: its values
 * @min: least number
 * @max: greatest number, or greatest length
 * @words: of a NVMET_WORD, ends with NULL
 * @old: read from files, but not saved: another attribute says the same
 */
struct nvmet_attr {
	const char *group;
	const char *name;
	enum nvmet_type type;
	long long min;
	long long max;
	const char *const *words;
	bool old;
};

/**
 * struct nvmet_kind - one kind of folder of configfs
 * @list: the folder that they are in, and the array in JSON; NULL: the root
 * @id: its name, as a key and what values that has
 * @attrs: its attributes, in the order in which they are to be written; ends
 *	with an empty one
 * @parts: kinds of what is in it, in the order in which they are to be made;
 *	ends with NULL
 * @links: a folder of links, and an array of names in JSON; NULL: none
 * @linked: the list in the root that they lead to
 */
struct nvmet_kind {
	const char *list;
	struct nvmet_attr id;
	const struct nvmet_attr *attrs;
	const struct nvmet_kind *const *parts;
	const char *links;
	const char *linked;
};

extern const struct nvmet_kind nvmet_root_kind;

/* The attribute with this key, of this group or (NULL) of none; NULL: none */
const struct nvmet_attr *nvmet_find_attr(const struct nvmet_kind *kind,
					 const char *group, const char *name);
const struct nvmet_kind *nvmet_find_part(const struct nvmet_kind *kind,
					 const char *list);

/* "device_path" */
void nvmet_attr_file(const struct nvmet_attr *attr, char *file, size_t size);

/* The attribute's value in @item, which was checked; "" when it is not set */
const char *nvmet_get(struct json_object *item, const char *group,
		      const char *name);
struct json_object *nvmet_list(struct json_object *item, const char *list);

/*
 * Bring @text into the form in which the kernel shows it. NULL, or what it
 * must be instead, as words that follow "must be".
 */
const char *nvmet_normal(const struct nvmet_attr *attr, const char *text,
			 char *normal, size_t size);

#endif
