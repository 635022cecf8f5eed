"""Memory that a run gives back stays with its process for the next one.

The C library of most Linux machines hands large blocks back to the system at once, and the system gives them out again
page by page, each wiped first: a fifth of the time of a run of 16,384 draws, which makes some hundred arrays of a
megabyte and lets them go.
"""

from __future__ import annotations

import ctypes
import platform
from functools import cache

TRIM, MAP = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of malloc.h
KEPT, OWN = 256 << 20, 32 << 20  # bytes that stay free at most; from how many a block is mapped by itself


@cache
def keep_freed() -> bool:
    """Have this process keep up to `KEPT` bytes it has freed; whether that could be done, as it can with glibc."""
    if platform.libc_ver()[0] != "glibc":
        return False
    library = ctypes.CDLL(None)
    return all(library.mallopt(what, size) for what, size in ((MAP, OWN), (TRIM, KEPT)))
