"""Proves that every check passes on a sound tree and catches a violation planted in it."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
compiler = "c++"
# A git hook may run the tests, and its variables would lead git to the wrong repository.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}

SOUND = {
    "kernels/ops/scale.hpp": "#pragma once\n#include <cstdint>\nstruct Scale { std::int64_t size; };\n",
    "kernels/cpu/scale.hpp": '#pragma once\n#include "kernels/ops/scale.hpp"\n',
    "kernels/cpu/scale.cpp": '#include "kernels/cpu/scale.hpp"\n',
    "engine/core/tensor.hpp": '#pragma once\n#include "kernels/ops/scale.hpp"\nstruct Tensor { Scale scale; };\n',
    "engine/core/tensor.cpp": '#include "engine/core/tensor.hpp"\n',
    "ui/style.hpp": "#pragma once\n#include <QColor>\n",
    "ui/charts/plot.hpp": '#pragma once\n#include <QWidget>\n#include "ui/style.hpp"\n',
    "ui/models/runs.hpp": '#pragma once\n#include <QAbstractTableModel>\n#include "engine/core/tensor.hpp"\n',
    "ui/session/bridge.hpp": '#pragma once\n#include <QObject>\n#include "engine/core/tensor.hpp"\n',
    "app/gui.cpp": '#include <QApplication>\n#include "ui/charts/plot.hpp"\n',
    "app/cli.cpp": '#include "app/commands/train.hpp"\n',
    "app/commands/train.hpp": '#pragma once\n#include "engine/core/tensor.hpp"\n',
    "tests/kernels/scale_test.cpp": '#include "kernels/cpu/scale.hpp"\n',
}


class CheckCase(unittest.TestCase):
    """Runs a check on a small tree in a temporary folder."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="checks ")  # the space is meant
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name).resolve()
        for path, text in SOUND.items():
            self.write(path, text)

    def write(self, path: str, text: str) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def run_check(self, name: str, *arguments: str) -> tuple[int, str]:
        run = subprocess.run(
            [sys.executable, "-B", str(HERE / f"{name}.py"), "--root", str(self.root), *arguments],
            capture_output=True,
            text=True,
            encoding="utf-8",
            env={**ENVIRONMENT, "PYTHONIOENCODING": "utf-8"},
            check=False,
        )
        self.assertEqual(run.stderr, "")
        return run.returncode, run.stdout


class IncludeDirection(CheckCase):
    def test_sound_tree_passes(self) -> None:
        status, output = self.run_check("include_direction")
        self.assertEqual(status, 0, output)

    def test_planted_violations_are_caught(self) -> None:
        planted = [
            ("kernels/ops/scale.hpp", '"engine/core/tensor.hpp"'),
            ("kernels/cpu/scale.cpp", "<QString>"),
            ("kernels/cpu/scale.cpp", '"../../engine/core/tensor.hpp"'),
            ("engine/core/tensor.cpp", '"kernels/cpu/scale.hpp"'),
            ("engine/core/tensor.cpp", '"kernels/cuda/scale.cuh"'),
            ("engine/core/tensor.cpp", '"ui/style.hpp"'),
            ("engine/core/tensor.cpp", "<QtCore/QString>"),
            ("engine/core/tensor.cpp", "<qglobal.h>"),
            ("engine/core/tensor.cpp", '"tests/support/close.hpp"'),
            ("ui/session/bridge.hpp", '"kernels/ops/scale.hpp"'),
            ("ui/session/bridge.hpp", '"app/commands/train.hpp"'),
            ("ui/session/bridge.hpp", "<QtWidgets>"),
            ("ui/session/bridge.hpp", "<QtCharts/QtCharts>"),
            ("ui/charts/plot.hpp", '"engine/core/tensor.hpp"'),
            ("ui/charts/plot.hpp", '"ui/session/bridge.hpp"'),
            ("ui/models/runs.hpp", "<QLabel>"),
            ("ui/models/runs.hpp", "<QtWidgets/QStyledItemDelegate>"),
            ("ui/models/runs.hpp", '"ui/charts/plot.hpp"'),
            ("app/cli.cpp", '"ui/style.hpp"'),
            ("app/cli.cpp", "<QCoreApplication>"),
            ("app/commands/train.hpp", '"kernels/ops/scale.hpp"'),
            ("app/gui.cpp", '"kernels/ops/scale.hpp"'),
            ("tests/kernels/scale_test.cpp", "<QtTest/QtTest>"),
        ]
        for path, target in planted:
            with self.subTest(path=path, target=target):
                self.write(path, f"{SOUND[path]}#  include {target}\n")
                status, output = self.run_check("include_direction")
                self.write(path, SOUND[path])
                self.assertEqual(status, 1, output)
                self.assertIn(path, output)

    def test_empty_tree_fails(self) -> None:
        for folder in ("kernels", "engine", "ui", "app", "tests"):
            shutil.rmtree(self.root / folder)
        self.assertEqual(self.run_check("include_direction")[0], 1)


class FileSize(CheckCase):
    def test_limit_is_800_lines(self) -> None:
        self.write("engine/long.cpp", "//\n" * 800)
        status, output = self.run_check("file_size")
        self.assertEqual(status, 0, output)
        self.assertIn("median", output)
        self.write("engine/long.cpp", "//\n" * 801)
        status, output = self.run_check("file_size")
        self.assertEqual(status, 1, output)
        self.assertIn("engine/long.cpp: 801 lines", output)


class TopLevel(CheckCase):
    def git(self, *arguments: str) -> None:
        command = ["git", "-C", str(self.root), *arguments]
        subprocess.run(command, env=ENVIRONMENT, check=True, capture_output=True)

    def test_stranger_is_caught(self) -> None:
        if shutil.which("git") is None:
            self.skipTest("git is not installed")
        self.git("init")
        self.write(".gitignore", "")
        self.write("LICENSE", "")
        self.write("notes.txt", "untracked")
        self.git("add", ".gitignore", "LICENSE", "kernels")
        self.assertEqual(self.run_check("top_level")[0], 0)
        self.git("add", "notes.txt")
        status, output = self.run_check("top_level")
        self.assertEqual(status, 1, output)
        self.assertIn("notes.txt", output)

    def test_skips_without_git(self) -> None:
        self.assertEqual(self.run_check("top_level")[0], 77)


class HeadersAlone(CheckCase):
    def setUp(self) -> None:
        super().setUp()
        shutil.rmtree(self.root / "ui")
        build = self.root / "build"
        build.mkdir()
        entries = []
        for source in ("kernels/cpu/scale.cpp", "engine/core/tensor.cpp"):
            file = self.root / source
            command = f"'{compiler}' '-I{self.root}' -std=c++20 -o x.o -c '{file}'"
            entries.append({"directory": str(build), "file": str(file), "command": command})
        (build / "compile_commands.json").write_text(json.dumps(entries), encoding="utf-8")

    def run_headers(self) -> tuple[int, str]:
        return self.run_check("headers_alone", "--build-dir", str(self.root / "build"))

    def test_missing_include_is_caught(self) -> None:
        status, output = self.run_headers()
        self.assertEqual(status, 0, output)
        self.assertIn("3 headers, 0 unchanged", output)
        self.write("engine/core/names.hpp", "#pragma once\ninline std::string name();\n")
        for _ in range(2):  # a failure is not remembered as a success
            status, output = self.run_headers()
            self.assertEqual(status, 1, output)
            self.assertIn("engine/core/names.hpp: does not compile alone", output)
            self.assertIn("4 headers, 3 unchanged", output)

    def test_change_below_a_remembered_header_is_noticed(self) -> None:
        self.assertEqual(self.run_headers()[0], 0)
        self.write("kernels/ops/scale.hpp", "#pragma once\nstruct Other {};\n")
        status, output = self.run_headers()
        self.assertEqual(status, 1, output)
        self.assertIn("engine/core/tensor.hpp: does not compile alone", output)

    def test_parts_outside_the_build_are_skipped(self) -> None:
        self.write("kernels/cuda/device.hpp", "#pragma once\n#include <no_such_toolkit.h>\n")
        self.write("ui/style.hpp", "#pragma once\n#include <no_such_toolkit.h>\n")
        status, output = self.run_headers()
        self.assertEqual(status, 0, output)
        self.assertIn("skipped: kernels/cuda", output)
        self.assertIn("skipped: ui", output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compiler", default=compiler, help="the C++ compiler (c++)")
    options, rest = parser.parse_known_args()
    compiler = options.compiler
    unittest.main(argv=[sys.argv[0], *rest])
