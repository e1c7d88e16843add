"""Runs the program under test in a folder of its own and checks how it answers."""

from __future__ import annotations

import json
import os
import signal
import struct
import subprocess
import tempfile
import unittest
from pathlib import Path
from typing import Any

try:
    import h5py
except ImportError:
    h5py = None

SKIPPED = 77  # the exit code that CTest shows as skipped
TIMEOUT = 120
SMALL = ("--train-samples", "500", "--test-samples", "100")
QUICK = ("--dataset", "tones", *SMALL)
REPLACING = ("--out", "before.h5", "--force")  # so that what is refused meets a model to lose
# The caller's choices must not change what the tests see.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "SPECTRAL_BACKEND"}


def program() -> str:
    path = os.environ.get("SPECTRAL_CLI")
    if not path:
        raise SystemExit("error: SPECTRAL_CLI is not set\nhint: set it to the path of spectral")
    return path


def tensors(path: Path) -> dict[str, bytes]:
    """The weights, the optimiser's state and the history of a model file, by name."""
    found: dict[str, bytes] = {}
    with h5py.File(path) as file:
        for start in ("layers", "checkpoint/optimiser", "history"):
            file[start].visititems(
                lambda name, item: found.update({f"{start}/{name}": item[()].tobytes()})
                if isinstance(item, h5py.Dataset) else None
            )
    return found


def idx(values: bytes, *extents: int, kind: int = 8) -> bytes:
    """An IDX file as MNIST's are; kind 8 is bytes."""
    return struct.pack(f">4B{len(extents)}I", 0, 0, kind, len(extents), *extents) + values


class CliCase(unittest.TestCase):
    maxDiff = None

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="cli ")  # the space is meant
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name).resolve()

    def spectral(self, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program(), *arguments], capture_output=True, encoding="utf-8", errors="replace", cwd=self.folder,
            env=ENVIRONMENT | environment, stdin=subprocess.DEVNULL, timeout=TIMEOUT, check=False,
        )

    def succeed(self, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        run = self.spectral(*arguments, **environment)
        self.assertEqual(run.returncode, 0, f"{arguments}: {run.stderr}")
        return run

    def json(self, *arguments: str | Path) -> dict[str, Any]:
        """The object on the only line that `--json` prints."""
        lines = self.succeed(*arguments, "--json").stdout.splitlines()
        self.assertEqual(len(lines), 1, lines)
        return json.loads(lines[0])

    def train(self, out: str, *arguments: str) -> dict[str, Any]:
        return self.json("train", *QUICK, "--out", out, *arguments)

    def interrupt(self, number: signal.Signals, line: str, *arguments: str) -> tuple[int, str]:
        """Sends a signal as soon as a line that starts with `line` comes; returns exit code and output."""
        with subprocess.Popen(
            [program(), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
            cwd=self.folder, env=ENVIRONMENT, stdin=subprocess.DEVNULL,
        ) as process:
            self.addCleanup(process.kill)
            assert process.stderr is not None
            seen: list[str] = []
            for text in process.stderr:
                seen.append(text)
                if text.startswith(line):
                    break
            else:
                self.fail(f"no line starts with {line!r}: {seen}")
            process.send_signal(number)
            output, _ = process.communicate(timeout=TIMEOUT)
        return process.returncode, output

    def contents(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.folder.iterdir() if path.is_file()}

    def assert_refused(
        self, *arguments: str | Path, naming: str, environment: dict[str, str] | None = None
    ) -> None:
        """Exit code 2, an error that names what is wrong, a hint, and every file as it was."""
        before = self.contents()
        run = self.spectral(*arguments, **(environment or {}))
        told = f"{arguments}: {run.stderr}"
        self.assertEqual(run.returncode, 2, told)
        errors = [line for line in run.stderr.splitlines() if line.startswith("error: ")]
        self.assertEqual(len(errors), 1, told)
        self.assertIn(naming, errors[0], told)
        self.assertEqual(run.stdout, "", told)
        self.assertEqual(self.contents(), before, told)
        self.assertRegex(run.stderr, r"\nhint: .", told)

    def assert_same_model(self, first: str, second: str) -> None:
        results = [self.json("eval", name) for name in (first, second)]
        for field in ("test_accuracy", "test_loss"):
            self.assertEqual(results[0][field], results[1][field], field)
        with self.subTest("weights, optimiser and history, bit for bit"):
            if h5py is None:
                self.skipTest("no h5py")
            self.assertEqual(tensors(self.folder / first), tensors(self.folder / second))
