"""Data sets out of files that other programs wrote, as the command line trains on them."""

from __future__ import annotations

import math
import unittest

from support import CliCase


class Text(CliCase):
    def test_trains_and_tells_bits(self) -> None:
        (self.folder / "some.txt").write_text("the same words, again and again; " * 60, encoding="utf-8")
        of_text = ("--dataset", "text", "--data", "some.txt", "--context", "8", "--stride", "1")
        result = self.json("train", "--model", "mlp", *of_text, "--epochs", "8", "--out", "run.h5", "--log", "log")
        self.assertAlmostEqual(result["test_bits_per_character"], result["test_loss"] / math.log(2), places=12)
        self.assertLess(result["test_bits_per_character"], 1)  # chance: 3.9
        told = self.json("eval", "run.h5")
        self.assertEqual(told["test_bits_per_character"], result["test_bits_per_character"])
        self.assertIn('"test_bits_per_character":', (self.folder / "log").read_text(encoding="utf-8"))
        self.assertIn("bits per character", self.succeed("eval", "run.h5").stdout)
        self.assertEqual(self.json("inspect", "run.h5")["config"]["dataset_options"]["context"], 8)

    def test_bytes(self) -> None:
        (self.folder / "some.bin").write_bytes(bytes(range(256)) * 4)
        of_bytes = ("--dataset", "text", "--data", "some.bin", "--unit", "byte")
        result = self.json("train", "--model", "logistic", "--features", "tokens", *of_bytes, "--epochs", "1")
        self.assertIn("test_bits_per_byte", result)
        self.assertNotIn("test_bits_per_character", result)

    def test_what_is_refused(self) -> None:
        (self.folder / "latin.txt").write_bytes("très court ".encode("latin-1") * 100)
        (self.folder / "short.txt").write_text("a" * 17, encoding="utf-8")
        for name, naming in {"latin.txt": "latin.txt: is no UTF-8: byte 2", "short.txt": "short.txt: is too short",
                             ".": ".: is not a regular file", "none.txt": "none.txt: no such file"}.items():
            with self.subTest(name):
                self.assert_refused("train", "--dataset", "text", "--data", name, naming=naming)
        self.assert_refused("train", "--dataset", "text", naming="is read from a text file, and none was given")
        self.assert_refused("train", "--dataset", "text", "--data", "short.txt", "--context", "0",
                            naming="option 'context'")


if __name__ == "__main__":
    unittest.main()
