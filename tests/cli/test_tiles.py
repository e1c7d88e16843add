"""Attention by the size of its tiles: the table, the object, and what is refused."""

from __future__ import annotations

import unittest

from support import CliCase

SMALL = ("bench", "--op", "attention", "--tiles", "--seconds", "0.001", "--threads", "2", "--backend", "cpu",
         "--size", "sequence=100", "--size", "batch=1", "--size", "heads=2", "--size", "head_size=8")


class Tiles(CliCase):
    def test_every_tile_gives_the_same(self) -> None:
        report = self.json(*SMALL)
        self.assertEqual([report[name] for name in ("op", "backend", "sequence", "batch", "heads", "head_size")],
                         ["attention", "cpu", 100, 1, 2, 8])
        tiles = report["tiles"]
        self.assertEqual([(tile["queries"], tile["keys"]) for tile in tiles], [(16, 64), (32, 64), (64, 64), (128, 64)])
        self.assertEqual(sum(tile["chosen"] for tile in tiles), 1)
        for tile in tiles:
            self.assertGreater(tile["ms"], 0)
            self.assertGreater(tile["work_bytes"], 0)
            self.assertEqual(tile["max_abs_diff"], 0)

    def test_the_table_marks_the_chosen_one(self) -> None:
        table = self.succeed(*SMALL).stdout
        self.assertIn("causal attention · 1 × 2 heads × 100 × 8 · cpu", table)
        self.assertEqual(table.count("chosen"), 1)

    def test_what_does_not_go_with_tiles_is_refused(self) -> None:
        for arguments, word in (
            (("--tiles",), "--op attention"),
            (("--tiles", "--op", "adam"), "--op attention"),
            (("--tiles", "--op", "attention", "--level", "1"), "--level"),
            (("--tiles", "--op", "attention", "--list"), "--list"),
            (("--tiles", "--op", "attention", "--backend", "cpu,cpu"), "--backend"),
            (("--tiles", "--op", "attention", "--size", "sequence=0"), "sequence"),
            (("--tiles", "--op", "attention", "--size", "columns=8"), "columns"),
            (("--tiles", "--op", "attention", "--backend", "cpu", "--size", "sequence=131072",
              "--size", "batch=4", "--size", "heads=8", "--size", "head_size=64"), "at most 4941 places"),
        ):
            with self.subTest(arguments):
                refused = self.spectral("bench", *arguments)
                self.assertEqual(refused.returncode, 2)
                self.assertIn(word, refused.stderr)
                self.assertEqual(refused.stdout, "")


if __name__ == "__main__":
    unittest.main()
