"""Reads a sanitizer's report; exit status 0 where the HDF5 library broke in memory of its own, 1 where we did.

HDF5 1.10 follows null pointers and reads past its own buffers in some damaged files, which nothing in its interface
can tell beforehand. Where it writes, the memory must have been its own.
"""

from __future__ import annotations

import re
import sys

# Of the sanitizer and the C library: they act for whoever called them.
NEUTRAL = re.compile(r"__asan|__interceptor|__sanitizer|fuzzer::|/libc[.]|libc_start|sysdeps|"
                     r" in (operator new|malloc|calloc|realloc|free|memcpy|memmove|memset|memcmp|"
                     r"pread(64)?|read|str(len|dup|cmp|ncmp|cpy|ncpy)) ")
FRAME = re.compile(r"^ +#\d+ 0x[0-9a-f]+ .*$")


def libraries(report: str) -> list[bool]:
    """Of every stack in the report, whether its first frame that did something is of HDF5."""
    found, open_stack = [], True
    for line in report.splitlines():
        if not FRAME.match(line):
            open_stack = True
        elif open_stack and not NEUTRAL.search(line):
            found.append("libhdf5" in line)
            open_stack = False
    return found


def main() -> int:
    report = sys.stdin.read()
    if "ERROR: AddressSanitizer" not in report:
        return 1
    stacks = libraries(report)
    # The first is where it broke, the second where the memory was allocated.
    needed = 2 if "\nWRITE of size" in report else 1
    return 0 if len(stacks) >= needed and all(stacks[:needed]) else 1


if __name__ == "__main__":
    sys.exit(main())
