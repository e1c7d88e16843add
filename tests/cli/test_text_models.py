"""Character models: training, resuming, what is kept of them, and the text that they write."""

from __future__ import annotations

import json
import math
import unittest

from support import CliCase, h5py, tensors

WORDS = "the long wave and the short wave meet the shore; "
SMALL = {"--width": "16", "--layers": "1", "--batch": "8", "--context": "16", "--dataset": "text", "--data": "text.txt"}


def small(model: str, *arguments: str) -> list[str]:
    """A small model of the text; what the arguments say goes first."""
    defaults = [part for name, value in SMALL.items() if name not in arguments for part in (name, value)]
    return ["train", "--model", model, *defaults, *arguments]


class TextModels(CliCase):
    def setUp(self) -> None:
        super().setUp()
        (self.folder / "text.txt").write_text("\n".join(WORDS * 2 for _ in range(24)), encoding="utf-8")

    def model(self, out: str, *arguments: str, model: str = "char-transformer") -> dict[str, object]:
        return self.json(*small(model, "--out", out, *arguments))

    def test_both_learn_and_every_place_of_the_test_windows_counts(self) -> None:
        for model in ("char-transformer", "char-spectral"):
            with self.subTest(model):
                result = self.model("run.h5", "--epochs", "8", "--learning-rate", "0.01", "--force", model=model)
                self.assertLess(result["test_bits_per_character"], 2.5)
                self.assertAlmostEqual(result["test_bits_per_character"], result["test_loss"] / math.log(2))
                judged = self.json("eval", "run.h5")
                self.assertAlmostEqual(judged["test_loss"], result["test_loss"], places=5)
                inspected = self.succeed("inspect", "run.h5").stdout
                self.assertIn("block1", inspected)
                packed = self.json("compress", "run.h5", "--out", "small.h5", "--method", "int8", "--max-error", "0.1", "--force")
                self.assertEqual(packed["dense_bytes"], 4 * result["parameters"])
                self.assertAlmostEqual(self.json("eval", "small.h5")["test_loss"], result["test_loss"], delta=0.2)

    @unittest.skipIf(h5py is None, "needs h5py")
    def test_a_resumed_run_draws_the_same_dropout(self) -> None:
        options = ("--dropout", "0.2", "--residual", "golden", "--feed-forward", "swiglu")
        self.model("whole.h5", "--epochs", "4", *options)
        self.model("part.h5", "--epochs", "2", *options)
        self.json("train", "--resume", "part.h5", "--epochs", "4")
        self.assertEqual(tensors(self.folder / "whole.h5"), tensors(self.folder / "part.h5"))

    def test_what_was_trained_with_dropout_is_run_without(self) -> None:
        for model in ("char-transformer", "char-spectral"):
            with self.subTest(model):
                result = self.model("run.h5", "--epochs", "2", "--dropout", "0.2", "--force", model=model)
                for command in ("eval", "run"):
                    judged = self.json(command, "run.h5")
                    self.assertAlmostEqual(judged["test_loss"], result["test_loss"], places=5)
                self.succeed("generate", "run.h5", "--length", "5")

    def test_text_is_written_and_drawn_again(self) -> None:
        self.model("run.h5", "--epochs", "2", "--log", "log.jsonl")
        written = self.json("generate", "run.h5", "--prompt", "the ", "--length", "30", "--seed", "5")
        self.assertEqual(written["text"][:4], "the ")
        self.assertEqual(len(written["text"]), 34)
        self.assertLessEqual(set(written["text"]), set(WORDS + "\n"))
        again = self.succeed("generate", "run.h5", "--prompt", "the ", "--length", "30", "--seed", "5").stdout
        self.assertEqual(again, written["text"] + "\n")
        other = self.json("generate", "run.h5", "--prompt", "the ", "--length", "30", "--seed", "6")
        self.assertNotEqual(other["text"], written["text"])
        cold = [self.json("generate", "run.h5", "--temperature", "0", "--seed", seed)["text"] for seed in "12"]
        self.assertEqual(*cold)
        self.assertEqual(self.json("generate", "run.h5", "--prompt", "wave", "--length", "0")["text"], "wave")
        self.json("compress", "run.h5", "--out", "small.h5", "--method", "int8", "--max-error", "0.1")
        self.json("generate", "small.h5", "--length", "5")

    def test_a_weight_pulls_windings_into_tune(self) -> None:
        options = ("--embedding", "winding", "--epochs", "3", "--seed", "1", "--learning-rate", "0.01")
        free = self.model("free.h5", *options)
        pulled = self.model("pulled.h5", *options, "--syntony-weight", "1", "--log", "log.jsonl")
        self.assertGreater(pulled["syntony"], free["syntony"] + 0.1)
        last = json.loads((self.folder / "log.jsonl").read_text(encoding="utf-8").splitlines()[-1])
        self.assertEqual(last["syntony"], pulled["syntony"])
        # What is told is the loss of the data alone.
        self.assertAlmostEqual(self.json("eval", "pulled.h5")["test_loss"], pulled["test_loss"], places=5)
        for arguments in (("--embedding", "lookup"), ("--embedding", "syntonic", "--harmonise")):
            self.assert_refused(*small("char-transformer", *arguments, "--syntony-weight", "1"),
                                naming="--syntony-weight: the model has no layer whose syntony has a gradient")
        self.assertNotIn("syntony", self.model("plain.h5", "--epochs", "1"))

    def test_without_a_prompt_and_without_lines(self) -> None:
        self.model("lines.h5", "--epochs", "1")
        self.assertEqual(self.json("generate", "lines.h5", "--length", "5")["text"][0], "\n")
        (self.folder / "text.txt").write_text("abcd" * 400, encoding="utf-8")
        self.model("letters.h5", "--epochs", "1")
        self.assertEqual(self.json("generate", "letters.h5", "--length", "5")["text"][0], "a")

    def test_the_log_has_the_text_of_the_run(self) -> None:
        self.model("run.h5", "--batch", "1", "--epochs", "2", "--log", "log.jsonl")
        lines = [json.loads(line) for line in (self.folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
        texts = [line for line in lines if "text" in line]
        self.assertTrue(texts)
        self.assertIn(texts[0]["text_step"], (250, lines[-1]["step"]))  # the newest when the line was written
        self.assertGreater(len(texts[0]["text"]), 100)

    def test_what_does_not_fit_is_refused_before_training(self) -> None:
        self.refuse("--heads", "3", naming="--heads")
        self.refuse("--width", "6", "--heads", "2", "--position", "rotary", naming="--heads")
        self.refuse("--width", "15", "--heads", "3", naming="--width")
        self.refuse("--features", "raw", naming="--features")
        self.refuse("--standardise", naming="--standardise")
        self.refuse("--dropout", "0.95", naming="dropout")
        self.refuse("--filter-length", "4", naming="filter-length")
        self.refuse("--filter-length", "17", model="char-spectral", naming="--filter-length")
        self.refuse("--position", "rotary", model="char-spectral", naming="position")

    def refuse(self, *arguments: str, naming: str, model: str = "char-transformer") -> None:
        with self.subTest(arguments):
            self.assert_refused(*small(model, "--out", "run.h5", *arguments), naming=naming)
            self.assertFalse((self.folder / "run.h5").exists())

    def test_longer_windows_than_the_model_s_are_refused(self) -> None:
        for model in ("char-transformer", "char-spectral"):
            self.model("run.h5", "--epochs", "1", "--force", model=model)
            self.assert_refused("eval", "run.h5", "--context", "17", naming="--context")

    def test_what_cannot_be_written_is_refused(self) -> None:
        self.model("run.h5", "--epochs", "1")
        self.assert_refused("generate", "run.h5", "--prompt", "", naming="--prompt")
        self.assert_refused("generate", "run.h5", "--prompt", "the €", naming="--prompt")
        self.assert_refused("generate", "run.h5", "--temperature", "-1", naming="temperature")
        self.assert_refused("generate", "run.h5", "--length", "-1", naming="length")
        self.assert_refused("generate", "missing.h5", naming="missing.h5")
        self.train("tones.h5", "--epochs", "1")
        self.assert_refused("generate", "tones.h5", naming="tones.h5")
        self.json("train", "--model", "mlp", "--hidden", "4", "--epochs", "1", "--dataset", "text", "--data", "text.txt",
                  "--context", "4", "--out", "mlp.h5")
        self.assert_refused("generate", "mlp.h5", naming="mlp")


if __name__ == "__main__":
    unittest.main()
