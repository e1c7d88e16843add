"""Fails on a public header that does not compile alone.

Each header under kernels/, engine/ and ui/ is compiled as the only content of a file, with the flags of the nearest
source file in compile_commands.json. What passed is remembered in the build folder until the header, a project header
that it includes or the flags change. Folders that this build leaves out are skipped.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shlex
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

SKIPPED = 77
FOLDERS = ("kernels", "engine", "ui")
OWN_TOOLKIT = (Path("kernels/cuda"), Path("kernels/vulkan"))  # compile only with flags from their own folder
WITH_VALUE_DROPPED = {"-o", "-MF", "-MT", "-MQ", "-include"}
DROPPED = {"-c", "-MD", "-MMD", "-MP", "-Winvalid-pch"}


@dataclass(frozen=True)
class Command:
    arguments: tuple[str, ...]  # compiler and flags, without input, output and precompiled headers
    directory: Path


@dataclass(frozen=True)
class Result:
    header: Path
    errors: str  # empty: it compiles
    stamp: str
    dependencies: list[str]


def read_commands(build: Path, root: Path) -> dict[Path, list[Command]]:
    """The compile commands of the project's C++ files, by folder relative to the root."""
    commands: dict[Path, list[Command]] = {}
    for entry in json.loads((build / "compile_commands.json").read_text(encoding="utf-8")):
        directory = Path(entry["directory"])
        source = (directory / entry["file"]).resolve()
        if source.suffix != ".cpp" or not source.is_relative_to(root) or source.is_relative_to(build):
            continue
        words = shlex.split(entry["command"])
        launcher = next((i for i, word in enumerate(words) if Path(word).name == "ccache"), -1)
        words = words[launcher + 1 :]
        kept: list[str] = []
        iterator = iter(words)
        for word in iterator:
            if word in WITH_VALUE_DROPPED:
                next(iterator, None)
            elif word not in DROPPED and (directory / word).resolve() != source:
                kept.append(word)
        folder = source.parent.relative_to(root)
        commands.setdefault(folder, []).append(Command(tuple(kept), directory))
    return commands


def nearest_command(header: Path, commands: dict[Path, list[Command]]) -> Command | None:
    """The flags of a file beside the header, below its folder, or in the next folder up that has one."""
    barrier = next((folder for folder in OWN_TOOLKIT if header.is_relative_to(folder)), Path(header.parts[0]))
    for folder in header.parents:
        if not folder.is_relative_to(barrier):
            break
        for candidate in sorted(commands, key=lambda path: (len(path.parts), path)):
            if candidate.is_relative_to(folder) and (
                candidate.is_relative_to(barrier) and not is_other_toolkit(candidate, barrier)
            ):
                return commands[candidate][0]
    return None


def is_other_toolkit(folder: Path, barrier: Path) -> bool:
    return any(folder.is_relative_to(toolkit) and barrier != toolkit for toolkit in OWN_TOOLKIT)


def stamp_of(command: Command, dependencies: list[str]) -> str:
    """Digest of the flags and of the contents of the files; empty when one of them is gone."""
    digest = hashlib.sha256("\0".join(command.arguments).encode())
    for name in dependencies:
        try:
            digest.update(name.encode() + b"\0" + Path(name).read_bytes())
        except OSError:
            return ""
    return digest.hexdigest()


def compile_header(root: Path, header: Path, command: Command, scratch: Path) -> Result:
    source = scratch / (header.as_posix().replace("/", "__") + ".cpp")
    source.write_text(f'#include "{header.as_posix()}"\n', encoding="utf-8")
    depfile = source.with_suffix(".d")
    run = subprocess.run(
        [*command.arguments, f"-I{root}", "-fsyntax-only", "-MMD", "-MT", "x", "-MF", str(depfile), str(source)],
        cwd=command.directory,
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode != 0:
        return Result(header, run.stderr or f"the compiler failed with {run.returncode}", "", [])
    words = shlex.split(depfile.read_text(encoding="utf-8").replace("\\\n", " "))[1:]
    found = {(command.directory / word).resolve() for word in words}
    dependencies = sorted(str(path) for path in found if path != source.resolve() and path.is_file())
    return Result(header, "", stamp_of(command, dependencies), dependencies)


def load_cache(path: Path) -> dict[str, dict]:
    try:
        cache = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return cache if isinstance(cache, dict) else {}


def check(root: Path, build: Path, jobs: int) -> int:
    commands = read_commands(build, root)
    headers = sorted(path.relative_to(root) for folder in FOLDERS for path in (root / folder).rglob("*.hpp"))
    cache_file = build / "headers_alone.json"
    old = load_cache(cache_file)
    new: dict[str, dict] = {}
    waiting: list[tuple[Path, Command]] = []
    left_out: list[Path] = []
    for header in headers:
        command = nearest_command(header, commands)
        if command is None:
            left_out.append(header)
            continue
        entry = old.get(header.as_posix())
        if entry and entry["stamp"] and stamp_of(command, entry["dependencies"]) == entry["stamp"]:
            new[header.as_posix()] = entry
        else:
            waiting.append((header, command))

    remembered = len(new)
    failed = 0
    with tempfile.TemporaryDirectory(prefix="headers_alone_") as scratch, ThreadPoolExecutor(jobs) as pool:
        for result in pool.map(lambda job: compile_header(root, *job, Path(scratch)), waiting):
            if result.errors:
                failed += 1
                print(f"{result.header}: does not compile alone\n{result.errors}")
            else:
                new[result.header.as_posix()] = {"stamp": result.stamp, "dependencies": result.dependencies}
    cache_file.write_text(json.dumps(new, indent=1, sort_keys=True), encoding="utf-8")

    for folder in sorted({header.parent for header in left_out}):
        print(f"skipped: {folder} (not part of this build)")
    print(f"{len(headers) - len(left_out)} headers, {remembered} unchanged since they passed, {failed} failed")
    if len(left_out) == len(headers):
        return SKIPPED
    return 1 if failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2])
    parser.add_argument("--build-dir", type=Path, required=True, help="holds compile_commands.json")
    parser.add_argument("--jobs", type=int, default=2, help="compilers at a time (2)")
    options = parser.parse_args()
    return check(options.root.resolve(), options.build_dir.resolve(), options.jobs)


if __name__ == "__main__":
    sys.exit(main())
