"""`train --start`: the weights of a model file as the first ones of a run."""

from __future__ import annotations

import hashlib
import unittest

from support import REPLACING, SMALL, CliCase, idx


class Start(CliCase):
    def setUp(self) -> None:
        super().setUp()
        self.first = self.train("first.h5", "--epochs", "3", "--patterns", "4", "--standardise")

    def test_model_and_data_are_the_files(self) -> None:
        run = self.succeed("train", "--start", "first.h5", "--epochs", "1", "--out", "second.h5")
        self.assertEqual(run.stderr.splitlines()[0], "starts from first.h5")
        found = self.json("inspect", "second.h5")
        self.assertEqual(found["config"]["start"], "first.h5")
        self.assertEqual((found["dataset"], found["config"]["model_options"]["patterns"]), ("tones", 4))
        self.assertTrue(found["config"]["standardise"])
        first = hashlib.sha256((self.folder / "first.h5").read_bytes()).hexdigest()
        self.assertEqual(found["provenance"]["start_sha256"], first)
        self.assertEqual(found["checkpoint"]["epoch"], 1)
        self.assertEqual(found["provenance"]["replacements"], 0)

    def test_it_begins_where_the_file_ended(self) -> None:
        second = self.json("train", "--start", "first.h5", "--epochs", "1", "--learning-rate", "1e-9")
        self.assertEqual(second["test_accuracy"], self.first["test_accuracy"])
        self.assertAlmostEqual(second["test_loss"], self.first["test_loss"], places=4)

    def test_other_data_and_a_file_of_options(self) -> None:
        self.succeed("train", "--start", "first.h5", "--data-seed", "9", "--epochs", "1", "--out", "other.h5")
        self.assertEqual(self.json("inspect", "other.h5")["config"]["dataset_options"]["data_seed"], 9)
        (self.folder / "options.json").write_text(
            '{"start": "first.h5", "standardise": true, "model_options": {"patterns": 5}}')
        self.refuse("patterns", "train", "--config", "options.json", *REPLACING)

    def test_data_of_another_kind_leaves_the_files_path_behind(self) -> None:
        data = self.folder / "data"
        data.mkdir()
        for name, count in (("train", 40), ("t10k", 20)):
            (data / f"{name}-images-idx3-ubyte").write_bytes(
                idx(bytes(i * 37 % 256 for i in range(count * 28 * 28)), count, 28, 28))
            (data / f"{name}-labels-idx1-ubyte").write_bytes(idx(bytes(i % 10 for i in range(count)), count))
        self.succeed("train", "--dataset", "idx", "--data", "data", "--epochs", "1", "--out", "idx.h5")
        self.succeed("train", "--start", "idx.h5", "--dataset", "strokes", *SMALL, "--epochs", "1",
                     "--out", "strokes.h5")
        found = self.json("inspect", "strokes.h5")["config"]
        self.assertEqual((found["dataset"], found["data"], found["start"]), ("strokes", "", "idx.h5"))
        self.assertEqual(found["dataset_options"]["train_samples"], 500)

    def refuse(self, name: str, *arguments: str) -> None:
        (self.folder / "before.h5").write_bytes((self.folder / "first.h5").read_bytes())
        run = self.spectral(*arguments)
        self.assertEqual(run.returncode, 2, run.stderr)
        self.assertIn(name, run.stderr.splitlines()[0])
        self.assertRegex(run.stderr, r"(?m)^hint: .")
        self.assertEqual((self.folder / "before.h5").read_bytes(), (self.folder / "first.h5").read_bytes())

    def test_contradictions_are_refused_by_name(self) -> None:
        (self.folder / "nonsense.h5").write_bytes(b"nonsense")
        for name, given in (
            ("--model", ("--model", "logistic")),
            ("--patterns", ("--patterns", "5")),
            ("--features", ("--features", "log_magnitude")),
            ("--start", ("--classes", "5")),
            ("--start", ("--length", "32")),
        ):
            self.refuse(name, "train", "--start", "first.h5", *given, *REPLACING)
        for name, start in (("absent.h5", "absent.h5"), ("nonsense.h5", "nonsense.h5"), ("--start", "")):
            self.refuse(name, "train", "--start", start, *REPLACING)
        self.refuse("--start", "train", "--resume", "before.h5", "--start", "first.h5", "--epochs", "5")


if __name__ == "__main__":
    unittest.main()
