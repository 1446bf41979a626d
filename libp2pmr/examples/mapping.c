/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <p2pmr/p2pmr.h>

/* mapping FILE: register memory that the program has mapped itself */
int main(int argc, char **argv)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct ibv_context *dev = list && list[0] ? ibv_open_device(list[0]) : NULL;
	struct ibv_pd *pd = dev ? ibv_alloc_pd(dev) : NULL;
	/* /sys/bus/pci/devices/ADDRESS/p2pmem/allocate */
	int fd = open(argc > 1 ? argv[1] : "/dev/zero", O_RDWR | O_CLOEXEC);
	size_t size = 1 << 20;
	void *addr = fd < 0 ? MAP_FAILED :
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	enum p2pmr_route route;
	struct ibv_mr *mr;

	if (addr == MAP_FAILED) {
		perror(fd < 0 ? "open" : "mmap");
		return 1;
	}
	if (!pd) {
		fputs("there is no RDMA device that can be opened\n", stderr);
		return 1;
	}
	mr = p2pmr_reg_addr(pd, addr, size, IBV_ACCESS_LOCAL_WRITE, &route);
	if (mr)
		printf("lkey %#x by route %s\n", mr->lkey, p2pmr_route_name(route));
	else
		fprintf(stderr, "%s %s\n", p2pmr_reason_text(),
			p2pmr_reason_remedy());

	if (mr)
		ibv_dereg_mr(mr);
	munmap(addr, size);
	close(fd);
	ibv_dealloc_pd(pd);
	ibv_close_device(dev);
	ibv_free_device_list(list);
	return !mr;
}
