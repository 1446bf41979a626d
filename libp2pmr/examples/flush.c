/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <unistd.h>

#include <p2pmr/p2pmr.h>

int write_out(struct p2pmr_flush *flush, const struct ibv_mr *mr, size_t len,
	      int file, off_t where);

/*
 * Data has been received into the region, as its completion says: have the
 * drive write it out from there, without a copy in host memory.
 */
int write_out(struct p2pmr_flush *flush, const struct ibv_mr *mr, size_t len,
	      int file, off_t where)
{
	int ret = p2pmr_flush(flush, mr, mr->addr, len);

	if (ret)
		return ret;
	/* file: opened with O_DIRECT */
	return pwrite(file, mr->addr, len, where) == (ssize_t)len ? 0 : -1;
}

int main(void)
{
	return 0;
}
