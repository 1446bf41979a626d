#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""register.py DEVICE [PROVIDER]: a megabyte of a drive as a memory region, by
pyverbs. The library has no Python part: ctypes calls it, and pyverbs registers
what it allocated by its address."""
import ctypes
import sys

from pyverbs.device import Context
from pyverbs.enums import IBV_ACCESS_LOCAL_WRITE, IBV_ACCESS_REMOTE_WRITE
from pyverbs.mr import MR
from pyverbs.pd import PD

SIZE = 1 << 20

p2pmr = ctypes.CDLL("libp2pmr.so.0")
for name in ("p2pmr_open", "p2pmr_provider_find", "p2pmr_buf_alloc", "p2pmr_buf_addr"):
    getattr(p2pmr, name).restype = ctypes.c_void_p
for name in ("p2pmr_reason_text", "p2pmr_reason_remedy"):
    getattr(p2pmr, name).restype = ctypes.c_char_p


def must(pointer):
    """Of a call that returns NULL when it fails"""
    if not pointer:
        sys.exit(f"{p2pmr.p2pmr_reason_text().decode()} {p2pmr.p2pmr_reason_remedy().decode()}")
    return ctypes.c_void_p(pointer)


ctx = must(p2pmr.p2pmr_open(None))
name = sys.argv[2] if len(sys.argv) > 2 else "nvme0"
provider = must(p2pmr.p2pmr_provider_find(ctx, name.encode()))
buf = must(p2pmr.p2pmr_buf_alloc(provider, ctypes.c_size_t(SIZE)))
address = p2pmr.p2pmr_buf_addr(buf)

with PD(Context(name=sys.argv[1])) as pd:
    with MR(pd, SIZE, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE, address=address) as mr:
        mr.write("peer memory", len("peer memory"))
        print(f"rkey {mr.rkey:#x} at {address:#x} holds {mr.read(11, 0).decode()!r}")

p2pmr.p2pmr_buf_free(buf)
p2pmr.p2pmr_close(ctx)
