"""Fails on a tracked top-level entry that the layout of the repository does not know. Skips without git."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

SKIPPED = 77
ALLOWED = {
    "kernels", "engine", "ui", "app", "resources", "tests",
    "CMakeLists.txt", "CMakePresets.json", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE",
}  # fmt: skip


def tracked_top_level(root: Path) -> set[str] | None:
    """First path components of the tracked files; None where the root is not a git checkout."""
    if not (root / ".git").exists():
        return None
    try:
        listing = subprocess.run(
            ["git", "-C", str(root), "ls-files", "-z"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return {path.split("/", 1)[0] for path in listing.split("\0") if path}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2])
    entries = tracked_top_level(parser.parse_args().root)
    if entries is None:
        print("skipped: no git checkout, or git cannot read it")
        return SKIPPED

    strangers = sorted(entry for entry in entries - ALLOWED if not entry.startswith("."))
    for entry in strangers:
        print(f"{entry}: does not belong at the top level")
    print(f"{len(entries)} top-level entries, {len(strangers)} strangers")
    return 1 if strangers else 0


if __name__ == "__main__":
    sys.exit(main())
