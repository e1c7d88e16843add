"""Fails on a source file of more than 800 lines; prints the median and the share of files below 400."""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path

FOLDERS = ("kernels", "engine", "ui", "app", "tests", "resources")
SUFFIXES = {".hpp", ".h", ".cpp", ".c", ".cu", ".cuh", ".comp", ".py", ".cmake"}
LIMIT = 800
AIM = 400


def count_lines(root: Path) -> dict[Path, int]:
    """Lines of every source file, keyed by its path relative to the root."""
    files = (path for folder in FOLDERS for path in sorted((root / folder).rglob("*")))
    return {
        path.relative_to(root): len(path.read_bytes().splitlines())
        for path in files
        if path.is_file() and (path.suffix in SUFFIXES or path.name == "CMakeLists.txt")
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2])
    lines = count_lines(parser.parse_args().root)
    if not lines:
        print("error: no source file found")
        return 1

    too_long = {path: count for path, count in lines.items() if count > LIMIT}
    for path, count in too_long.items():
        print(f"{path}: {count} lines, more than {LIMIT}")
    share = sum(count < AIM for count in lines.values()) / len(lines)
    print(
        f"{len(lines)} files, median {statistics.median(lines.values()):.0f} lines, "
        f"{100 * share:.0f} % below {AIM}, longest {max(lines.values())}"
    )
    return 1 if too_long else 0


if __name__ == "__main__":
    sys.exit(main())
