"""Model files that are missing, foreign or damaged, for every command that reads one."""

from __future__ import annotations

import os
import unittest
from pathlib import Path

from support import CliCase

READERS = (("inspect",), ("eval",), ("train", "--resume"))


class ModelFiles(CliCase):
    def assert_file_refused(self, path: Path | str, naming: str | None = None) -> None:
        for reader in READERS:
            with self.subTest(reader[0], file=str(path)):
                self.assert_refused(*reader, path, naming=naming or str(path))

    def test_no_file(self) -> None:
        (self.folder / "folder").mkdir()
        os.mkfifo(self.folder / "pipe")
        for path in ("missing.h5", "missing/run.h5", "folder", "pipe", "/dev/zero"):
            self.assert_file_refused(path)

    def test_not_hdf5(self) -> None:
        for name, content in {"empty": b"", "text": b"weights\n", "signature": b"\x89HDF\r\n\x1a\n"}.items():
            (self.folder / name).write_bytes(content)
            self.assert_file_refused(name)

    def test_cut_short(self) -> None:
        self.train("run.h5", "--epochs", "1")
        whole = (self.folder / "run.h5").read_bytes()
        points = {len(whole) * part // 24 for part in range(1, 24)} | {8, 100, 512, 2048, len(whole) - 1}
        for number, size in enumerate(sorted(points)):
            (self.folder / "cut.h5").write_bytes(whole[:size])
            with self.subTest(size=size):
                self.assert_refused(*READERS[number % len(READERS)], "cut.h5", naming="cut.h5")

    def test_one_byte_changed(self) -> None:
        """Refused, or read as it was where the byte means nothing; never anything else."""
        self.train("run.h5", "--epochs", "1")
        whole = bytearray((self.folder / "run.h5").read_bytes())
        for place in range(7, len(whole), len(whole) // 40):
            whole[place] ^= 0x55
            (self.folder / "changed.h5").write_bytes(whole)
            whole[place] ^= 0x55
            with self.subTest(place=place):
                self.assertIn(self.spectral("inspect", "changed.h5").returncode, (0, 2))


if __name__ == "__main__":
    unittest.main()
