"""Compressing models: bytes, accuracy, files, and what is refused."""

from __future__ import annotations

import csv
import subprocess
import unittest
import xml.etree.ElementTree

from support import TIMEOUT, CliCase, program

TARGETS = {"--ratio": "6", "--bytes": "12KiB", "--max-error": "0.3"}


class Compress(CliCase):
    def setUp(self) -> None:
        super().setUp()
        self.train("run.h5", "--model", "mlp", "--hidden", "64", "--epochs", "2")

    def compress(self, *arguments: str) -> dict:
        return self.json("compress", "run.h5", "--out", "small.h5", "--force", *arguments)

    def test_every_target(self) -> None:
        for target, value in TARGETS.items():
            with self.subTest(target):
                result = self.compress(target, value)
                size = (self.folder / "small.h5").stat().st_size
                self.assertEqual(result["file_bytes"], size)
                self.assertEqual(result["dense_bytes"], sum(each["dense_bytes"] for each in result["tensors"]))
                self.assertAlmostEqual(result["ratio"], result["dense_bytes"] / size)
                if target == "--ratio":
                    self.assertGreaterEqual(result["ratio"], 6)
                elif target == "--bytes":
                    self.assertLessEqual(size, 12 * 1024)
                else:
                    self.assertLessEqual(max(each["relative_error"] for each in result["tensors"]), 0.3)
        kept = self.compress("--keep", "0.1", "--method", "dct")["tensors"][0]
        self.assertEqual(kept["method"], "dct")
        exact = self.compress("--max-error", "0")
        self.assertEqual({(each["method"], each["relative_error"]) for each in exact["tensors"]}, {("dense", 0)})

    def test_auto_is_not_beaten_by_a_method_that_it_chooses_among(self) -> None:
        for ratio in ("4", "6"):
            with self.subTest(ratio):
                auto = self.compress("--ratio", ratio)["tensors"][0]["relative_error"]
                for method in ("dct-int8", "fft-int8", "int8", "int4"):
                    try:
                        named = self.compress("--ratio", ratio, "--method", method)
                    except AssertionError:  # out of its reach
                        continue
                    self.assertLessEqual(auto, 1.05 * named["tensors"][0]["relative_error"], method)

    def test_accuracy_is_that_of_the_file(self) -> None:
        result = self.compress("--ratio", "6", "--dataset", "tones", "--train-samples", "500", "--test-samples", "100")
        self.assertEqual(result["accuracy_before"], self.json("eval", "run.h5")["test_accuracy"])
        self.assertEqual(result["accuracy_after"], self.json("eval", "small.h5")["test_accuracy"])

    def test_fine_tuning_keeps_the_target_and_the_places(self) -> None:
        judged = ("--dataset", "tones", "--train-samples", "500", "--test-samples", "100")
        for method in ("auto", "svd"):
            with self.subTest(method):
                coarse = self.compress("--ratio", "6", "--method", method, *judged)
                tuned = self.compress("--ratio", "6", "--method", method, "--fine-tune", "4", *judged)
                self.assertGreaterEqual(tuned["ratio"], 6)
                self.assertEqual(tuned["fine_tune_epochs"], 4)
                self.assertGreaterEqual(tuned["accuracy_after"], coarse["accuracy_after"])
                self.assertEqual([each["method"] for each in tuned["tensors"]],
                                 [each["method"] for each in coarse["tensors"]])
                self.assertEqual(tuned["accuracy_after"], self.json("eval", "small.h5")["test_accuracy"])
                self.assertEqual(tuned, self.compress("--ratio", "6", "--method", method, "--fine-tune", "4", *judged))

    def test_what_is_inside_is_shown(self) -> None:
        result = self.compress("--ratio", "6", "--per-layer", "hidden1/weight=fft-int8")
        seen = self.json("inspect", "small.h5")
        self.assertIsNone(seen["checkpoint"])
        self.assertEqual(seen["metrics"], {})  # the dense model's say nothing about this one
        self.assertEqual(result["tensors"][0]["method"], "fft-int8")
        for told, found in zip(result["tensors"], seen["tensors"], strict=True):
            for name in ("name", "shape", "method", "dense_bytes"):
                self.assertEqual(told[name], found[name])
            self.assertAlmostEqual(told["relative_error"], found["relative_error"], places=6)

    def test_an_ordered_model_runs_as_it_is_unpacked(self) -> None:
        for method in ("fft", "dct", "block-fft"):
            with self.subTest(method):
                self.compress("--ratio", "4", "--method", method, "--order", "both")
                unpacked, run = self.json("eval", "small.h5"), self.json("run", "small.h5", "--memory-limit", "64MiB")
                self.assertAlmostEqual(unpacked["test_loss"], run["test_loss"], places=5)

    def test_a_compressed_model_can_be_compressed_again_but_not_resumed(self) -> None:
        self.compress("--ratio", "4")
        self.json("compress", "small.h5", "--ratio", "8", "--out", "smaller.h5")
        self.assert_refused("train", "--resume", "small.h5", naming="holds an exported model")

    def test_what_an_option_does_not_reach_is_said(self) -> None:
        def notes(*arguments: str) -> list[str]:
            run = self.succeed("compress", "run.h5", "--out", "small.h5", "--force", *arguments)
            return [line for line in run.stderr.splitlines() if line.startswith("note: ")]

        small = notes("--ratio", "4", "--method", "fft")
        self.assertEqual(len(small), 1)
        self.assertIn("below 1024 values", small[0])
        self.assertIn("hidden1/bias", small[0])
        self.assertNotIn("hidden1/weight", small[0])
        self.assertEqual(notes("--ratio", "4"), [])
        whole = notes("--keep", "0.1", "--method", "fft", "--per-layer", "hidden1/weight=int8")
        self.assertIn("whatever --keep says: hidden1/weight", whole[1])

    def test_a_disk_that_is_full(self) -> None:
        """A limit on the size of files stands for the disk; its signal must not end the program half way."""
        for command in (("compress", "run.h5", "--ratio", "2"), ("export", "run.h5")):
            with self.subTest(command[0]):
                run = subprocess.run(["sh", "-c", 'ulimit -f 4; exec "$0" "$@"', program(), *command, "--out", "out"],
                                     capture_output=True, encoding="utf-8", cwd=self.folder, timeout=TIMEOUT, check=False)
                self.assertEqual(run.returncode, 3, run.stderr)
                self.assertRegex(run.stderr, "error: out: cannot be written.*\nhint: Free some space")
                self.assertEqual(set(self.contents()), {"run.h5"})

    def test_only_what_can_be_stored_by_is_listed(self) -> None:
        text = self.succeed("compress", "--help").stdout
        self.assertIn("magnitude", text)
        self.assertNotIn("random-basis", text)
        run = self.spectral("compress", "run.h5", "--ratio", "2", "--method", "zip", "--out", "out")
        self.assertIn("hint: use one of: fft, ", run.stderr)
        self.assertNotIn("random-basis", run.stderr)

    def test_refusals_write_nothing(self) -> None:
        out = ("--out", "small.h5")
        for arguments, naming in (
            ((), "nothing says how much is kept"),
            (("--ratio", "10", "--bytes", "5000"), "more than one option says how much is kept"),
            (("--ratio", "0"), "--ratio: 0 is not between"),
            (("--bytes", "10 parsecs"), "--bytes: '10 parsecs'"),
            (("--bytes", "100"), "--bytes: a file of 100 bytes is not possible with these methods: the smallest has"),
            (("--ratio", "999999"), "--ratio: a file of "),
            (("--max-error", "2"), "--max-error: 2 is not"),
            (("--keep", "0.1"), "--keep: "),
            (("--keep", "2", "--method", "fft"), "--keep: 2 is not"),
            (("--keep", "0.1", "--method", "int8"), "--keep: method 'int8' keeps every value"),
            (("--ratio", "10", "--method", "zip"), "--method: 'zip' is unknown"),
            (("--ratio", "10", "--method", "random-basis"), "--method: 'random-basis' is there to compare with"),
            (("--ratio", "10", "--per-layer", "hidden9/weight=fft"), "--per-layer: the model has no tensor 'hidden9/w"),
            (("--ratio", "10", "--per-layer", "hidden1/weight=zip"), "--per-layer: 'zip' is unknown"),
            (("--ratio", "10", "--per-layer", "fft"), "--per-layer: "),
            (("--ratio", "10", "--axes", "0;1"), "--axes: '0;1'"),
            (("--ratio", "10", "--axes", "5", "--method", "fft"), "--axes: "),
            (("--ratio", "10", "--index", "runs"), "--index: 'runs'"),
            (("--ratio", "10", "--order", "diagonal"), "--order: 'diagonal'"),
            (("--ratio", "10", "--dataset", "tones", "--test-samples", "x"), "--test-samples: "),
            (("--ratio", "10", "--test-samples", "5"), "--test-samples"),
            (("--ratio", "10", "--fine-tune", "2"), "--fine-tune"),
            (("--ratio", "10", "--fine-tune", "0", "--dataset", "tones"), "--fine-tune"),
            (("--ratio", "10", "--learning-rate", "0.1"), "--learning-rate"),
            (("--max-error", "0.3", "--fine-tune", "1", "--dataset", "tones"), "--max-error"),
            (("--bytes", "99999999999999999999"), "99999999999999999999"),
        ):
            with self.subTest(arguments):
                self.assert_refused("compress", "run.h5", *out, *arguments, naming=naming)
        self.assert_refused("compress", "run.h5", "--ratio", "4", "--out", "run.h5", naming="exists already")
        self.assert_refused("compress", "missing.h5", "--ratio", "4", *out, naming="missing.h5")
        (self.folder / "notes.txt").write_text("mine")
        self.assert_refused("compress", "run.h5", "--ratio", "4", "--out", "notes.txt", "--force", naming="notes.txt")


class Tradeoff(CliCase):
    def test_curves(self) -> None:
        self.train("run.h5", "--model", "mlp", "--hidden", "64", "--epochs", "2")
        run = ("tradeoff", "run.h5", "--dataset", "tones", "--train-samples", "500", "--test-samples", "100",
               "--out", "curves.csv", "--plot", "curves.svg")
        curves = self.json(*run)["curves"]
        with (self.folder / "curves.csv").open() as file:
            rows = list(csv.DictReader(file))
        self.assertEqual(len(rows), sum(len(curve["points"]) for curve in curves))
        self.assertEqual({row["tensor"] for row in rows}, {"", "hidden1/weight"})
        for curve in curves:
            with self.subTest(curve["tensor"], method=curve["method"]):
                bytes_ = [point["bytes"] for point in curve["points"]]
                self.assertEqual(bytes_, sorted(bytes_))
                judged = [point["accuracy"] is not None for point in curve["points"]]
                self.assertEqual(judged, [curve["tensor"] == ""] * len(judged))
        nulls = {curve["method"] for curve in curves if curve["null"]}
        self.assertEqual(nulls, {"random-basis", "noise-fft", "noise-magnitude"})
        picture = xml.etree.ElementTree.parse(self.folder / "curves.svg").getroot()
        self.assertTrue(picture.tag.endswith("svg"))
        self.assert_refused(*run, naming="curves.csv: exists already")
        self.assertEqual(self.succeed(*run, "--force").returncode, 0)

    def test_refusals_write_nothing(self) -> None:
        out = ("--out", "curves.csv")
        self.assert_refused("tradeoff", "missing.h5", *out, naming="missing.h5")
        self.train("run.h5", "--epochs", "1")
        self.assert_refused("tradeoff", "run.h5", *out, "--data", "nowhere", "--dataset", "mnist", naming="nowhere")
        self.assert_refused("tradeoff", "run.h5", "--out", "no/such/folder.csv", naming="no/such")
        self.assert_refused("tradeoff", "run.h5", "--out", "run.h5", naming="'run.h5' is no name for the")
        (self.folder / "mine").write_bytes(b"\x93NUMPY and what follows")
        self.assert_refused("tradeoff", "run.h5", "--out", "mine", naming="mine: exists and is no table")
        self.assert_refused("tradeoff", "run.h5", "--plot", "mine", naming="mine: exists and is no SVG")
        self.assertTrue((self.folder / "mine").read_bytes().startswith(b"\x93NUMPY"))
        self.assert_refused("tradeoff", "run.h5", *out, "--plot", "curves.csv", naming="--plot")


if __name__ == "__main__":
    unittest.main()
