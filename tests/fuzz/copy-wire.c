// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whatever the other end of a copy sends: nothing is read that is not there, what
 * is refused is refused with a reason, and what is taken means the same to whoever
 * gets it next.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "../../tools/copy_wire.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

/* Sent on, it is the same bytes */
static void send_on(const struct copy_msg *msg, const uint8_t *data, size_t len)
{
	static uint8_t again[COPY_WIRE_HEADER_BYTES + COPY_WIRE_PAYLOAD_MAX];

	size_t n = copy_wire_encode(msg, again);

	assert(n == len && !memcmp(again, data, len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct copy_msg msg;
	enum copy_msg_type type;
	char why[PACK_WHY_MAX];
	size_t payload, whole;

	while (len >= COPY_WIRE_HEADER_BYTES) {
		why[0] = '\0';
		if (copy_wire_decode_header(data, &type, &payload, why)) {
			assert(why[0]);
			return 0;
		}
		assert(copy_wire_can_begin(data, COPY_WIRE_HEADER_BYTES));
		assert(payload <= COPY_WIRE_PAYLOAD_MAX);
		whole = COPY_WIRE_HEADER_BYTES + payload;
		if (len < whole)
			return 0;
		if (copy_wire_decode(type, data + COPY_WIRE_HEADER_BYTES, payload,
				     &msg, why)) {
			assert(why[0]);
		} else {
			assert(msg.type == type && strcmp(copy_msg_name(type), "unknown"));
			send_on(&msg, data, whole);
		}
		data += whole;
		len -= whole;
	}
	copy_wire_can_begin(data, len);
	return 0;
}
