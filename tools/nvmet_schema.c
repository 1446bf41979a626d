// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tables are of Linux 6.12 (drivers/nvme/target/configfs.c), with what
 * later kernels added. An attribute that the running kernel does not have is
 * not saved; setting it fails.
 */
#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "nvmet.h"
#include "nvmet_schema.h"

/* An NQN has at most 223 bytes (NVM Express Base Specification) */
#define NQN_LEN 223

static const char *const transports[] = {
	"rdma", "tcp", "loop", "fc", "pci", NULL
};
static const char *const families[] = {
	"ipv4", "ipv6", "ib", "fc", "loop", "pcie", "pci", NULL
};
static const char *const securities[] = {
	"none", "tls1.3", "connected", "datagram", NULL
};
static const char *const requirements[] = {
	"not specified", "required", "not required", NULL
};
static const char *const ana_states[] = {
	"optimized", "non-optimized", "inaccessible", "persistent-loss",
	"change", NULL
};

#define TEXT(group, name, len) \
	{ group, name, NVMET_TEXT, 0, len, NULL, false }
#define WORD(group, name, words) \
	{ group, name, NVMET_WORD, 0, 0, words, false }
#define BOOL(group, name) \
	{ group, name, NVMET_BOOL, 0, 1, NULL, false }
#define SWITCH(name) \
	{ NULL, name, NVMET_SWITCH, 0, 1, NULL, false }
#define NUMBER(group, name, min, max) \
	{ group, name, NVMET_NUMBER, min, max, NULL, false }
#define UUID(group, name) \
	{ group, name, NVMET_UUID, 0, 0, NULL, false }
#define END { NULL, NULL, NVMET_TEXT, 0, 0, NULL, false }

static const struct nvmet_attr host_attrs[] = {
	TEXT("dhchap", "hash", 32),
	TEXT("dhchap", "dhgroup", 32),
	TEXT("dhchap", "key", 1024),
	TEXT("dhchap", "ctrl_key", 1024),
	END
};

/* The least controller number is below the kernel's default for the greatest */
static const struct nvmet_attr subsystem_attrs[] = {
	BOOL("attr", "allow_any_host"),
	NUMBER("attr", "cntlid_min", 1, 65519),
	NUMBER("attr", "cntlid_max", 1, 65519),
	TEXT("attr", "firmware", 8),
	TEXT("attr", "ieee_oui", 8),
	TEXT("attr", "model", 40),
	BOOL("attr", "pi_enable"),
	NUMBER("attr", "qid_max", 1, 65535),
	TEXT("attr", "serial", 20),
	TEXT("attr", "subsys_vendor_id", 8),
	TEXT("attr", "vendor_id", 8),
	TEXT("attr", "version", 16),
	END
};

/* What is enabled cannot be changed, so that comes last */
static const struct nvmet_attr namespace_attrs[] = {
	TEXT("device", "path", NVMET_VALUE_MAX - 2),
	UUID("device", "nguid"),
	UUID("device", "uuid"),
	NUMBER("ana", "grpid", 1, 128),
	{ NULL, "ana_grpid", NVMET_NUMBER, 1, 128, NULL, true },
	BOOL("resv", "enable"),
	BOOL(NULL, "buffered_io"),
	{ NULL, "p2pmem", NVMET_P2PMEM, 0, 0, NULL, false },
	SWITCH("enable"),
	END
};

/* The transport resets tsas, and tsas resets treq */
#define ADDRESS						\
	WORD("addr", "trtype", transports),		\
	WORD("addr", "adrfam", families),		\
	TEXT("addr", "traddr", 255),			\
	TEXT("addr", "trsvcid", 31),			\
	WORD("addr", "tsas", securities),		\
	WORD("addr", "treq", requirements)

static const struct nvmet_attr port_attrs[] = {
	ADDRESS,
	NUMBER("param", "inline_data_size", -1, INT32_MAX),
	NUMBER("param", "max_queue_size", -1, INT32_MAX),
	NUMBER("param", "mdts", -1, INT32_MAX),
	BOOL("param", "pi_enable"),
	END
};

static const struct nvmet_attr referral_attrs[] = {
	ADDRESS,
	NUMBER("addr", "portid", 0, UINT16_MAX),
	SWITCH("enable"),
	END
};

static const struct nvmet_attr ana_group_attrs[] = {
	WORD("ana", "state", ana_states),
	END
};

static const struct nvmet_attr no_attrs[] = { END };
static const struct nvmet_kind *const no_parts[] = { NULL };

static const struct nvmet_kind host_kind = {
	.list = "hosts",
	.id = { NULL, "nqn", NVMET_NAME, 0, NQN_LEN, NULL, false },
	.attrs = host_attrs,
	.parts = no_parts,
};

static const struct nvmet_kind namespace_kind = {
	.list = "namespaces",
	.id = NUMBER(NULL, "nsid", 1, UINT32_MAX - 1),
	.attrs = namespace_attrs,
	.parts = no_parts,
};

static const struct nvmet_kind *const subsystem_parts[] = {
	&namespace_kind, NULL
};

static const struct nvmet_kind subsystem_kind = {
	.list = "subsystems",
	.id = { NULL, "nqn", NVMET_NAME, 0, NQN_LEN, NULL, false },
	.attrs = subsystem_attrs,
	.parts = subsystem_parts,
	.links = "allowed_hosts",
	.linked = "hosts",
};

static const struct nvmet_kind ana_group_kind = {
	.list = "ana_groups",
	.id = NUMBER(NULL, "grpid", 1, 128),
	.attrs = ana_group_attrs,
	.parts = no_parts,
};

static const struct nvmet_kind referral_kind = {
	.list = "referrals",
	.id = { NULL, "name", NVMET_NAME, 0, NQN_LEN, NULL, false },
	.attrs = referral_attrs,
	.parts = no_parts,
};

static const struct nvmet_kind *const port_parts[] = {
	&ana_group_kind, &referral_kind, NULL
};

static const struct nvmet_kind port_kind = {
	.list = "ports",
	.id = NUMBER(NULL, "portid", 0, UINT16_MAX),
	.attrs = port_attrs,
	.parts = port_parts,
	.links = "subsystems",
	.linked = "subsystems",
};

/* Ports come last: the first link in one makes the target listen */
static const struct nvmet_kind *const root_parts[] = {
	&host_kind, &subsystem_kind, &port_kind, NULL
};

const struct nvmet_kind nvmet_root_kind = {
	.attrs = no_attrs,
	.parts = root_parts,
};

static bool same_group(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

const struct nvmet_attr *nvmet_find_attr(const struct nvmet_kind *kind,
					 const char *group, const char *name)
{
	const struct nvmet_attr *attr;

	for (attr = kind->attrs; attr->name; attr++) {
		if (same_group(attr->group, group) && !strcmp(attr->name, name))
			return attr;
	}
	return NULL;
}

const struct nvmet_kind *nvmet_find_part(const struct nvmet_kind *kind,
					 const char *list)
{
	const struct nvmet_kind *const *part;

	for (part = kind->parts; *part; part++) {
		if (!strcmp((*part)->list, list))
			return *part;
	}
	return NULL;
}

void nvmet_attr_file(const struct nvmet_attr *attr, char *file, size_t size)
{
	if (attr->group)
		snprintf(file, size, "%s_%s", attr->group, attr->name);
	else
		snprintf(file, size, "%s", attr->name);
}

const char *nvmet_get(struct json_object *item, const char *group,
		      const char *name)
{
	struct json_object *val;

	if (group && !json_object_object_get_ex(item, group, &item))
		return "";
	if (!json_object_object_get_ex(item, name, &val))
		return "";
	return json_object_get_string(val);
}

struct json_object *nvmet_list(struct json_object *item, const char *list)
{
	struct json_object *array;

	return json_object_object_get_ex(item, list, &array) ? array : NULL;
}

static const char *normal_number(const struct nvmet_attr *attr,
				 const char *text, char *normal, size_t size)
{
	static char must[64];
	long long val = 0;
	char *end = NULL;

	/* strtoll() itself takes blanks and "+" */
	if (isdigit((unsigned char)text[0]) || text[0] == '-') {
		errno = 0;
		val = strtoll(text, &end, 10);
	}
	if (!end || *end || errno || val < attr->min || val > attr->max) {
		snprintf(must, sizeof(must), "a number from %lld to %lld",
			 attr->min, attr->max);
		return must;
	}
	snprintf(normal, size, "%lld", val);
	return NULL;
}

static const char *normal_uuid(const char *text, char *normal, size_t size)
{
	const char *must = "a UUID";
	size_t used = 0;
	int digits = 0;

	for (; *text; text++) {
		if (strchr("-:", *text))
			continue;
		if (!isxdigit((unsigned char)*text) || digits == 32)
			return must;
		if (digits == 8 || digits == 12 || digits == 16 || digits == 20)
			used += snprintf(normal + used, size - used, "-");
		used += snprintf(normal + used, size - used, "%c",
				 tolower((unsigned char)*text));
		digits++;
	}
	return digits == 32 ? NULL : must;
}

static const char *normal_p2pmem(const char *text, char *normal, size_t size)
{
	unsigned int domain, bus, device, function;
	int len = 0;

	if (!strcmp(text, "0") || !strcmp(text, "1")) {
		snprintf(normal, size, "%s", text);
		return NULL;
	}
	/* %x takes blanks, signs and "0x" as well */
	if (strspn(text, "0123456789abcdefABCDEF:.") != strlen(text) ||
	    sscanf(text, "%8x:%2x:%2x.%1x%n", &domain, &bus, &device, &function,
		   &len) != 4 || text[len] || device > 0x1f || function > 7)
		return "\"0\", \"1\", or a PCI address such as \"0000:04:00.0\"";
	snprintf(normal, size, "%04x:%02x:%02x.%x", domain, bus, device,
		 function);
	return NULL;
}

static const char *normal_text(const struct nvmet_attr *attr, const char *text,
			       char *normal, size_t size)
{
	static char must[64];
	const char *at;

	if (strlen(text) > (size_t)attr->max) {
		snprintf(must, sizeof(must), "at most %lld bytes long",
			 attr->max);
		return must;
	}
	for (at = text; *at; at++) {
		if (iscntrl((unsigned char)*at))
			return "without control characters";
	}
	snprintf(normal, size, "%s", text);
	return NULL;
}

static const char *normal_name(const struct nvmet_attr *attr, const char *text,
			       char *normal, size_t size)
{
	if (!*text)
		return "there";
	if (strchr(text, '/') || !strcmp(text, ".") || strstr(text, ".."))
		return "without \"/\" and \"..\", as it becomes a folder";
	return normal_text(attr, text, normal, size);
}

static const char *normal_word(const struct nvmet_attr *attr, const char *text,
			       char *normal, size_t size)
{
	static char must[128];
	const char *const *word;
	int used;

	used = snprintf(must, sizeof(must), "one of");
	for (word = attr->words; *word; word++) {
		if (!strcmp(*word, text)) {
			snprintf(normal, size, "%s", text);
			return NULL;
		}
		used += snprintf(must + used, sizeof(must) - used, " \"%s\"",
				 *word);
	}
	return must;
}

const char *nvmet_normal(const struct nvmet_attr *attr, const char *text,
			 char *normal, size_t size)
{
	normal[0] = '\0';
	/* That is how a file says that it is not set */
	if (!*text && attr->type != NVMET_NAME && attr->type != NVMET_SWITCH)
		return NULL;
	switch (attr->type) {
	case NVMET_NAME:
		return normal_name(attr, text, normal, size);
	case NVMET_WORD:
		return normal_word(attr, text, normal, size);
	case NVMET_BOOL:
	case NVMET_SWITCH:
	case NVMET_NUMBER:
		return normal_number(attr, text, normal, size);
	case NVMET_UUID:
		return normal_uuid(text, normal, size);
	case NVMET_P2PMEM:
		return normal_p2pmem(text, normal, size);
	case NVMET_TEXT:
		break;
	}
	return normal_text(attr, text, normal, size);
}
