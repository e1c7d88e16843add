"""Running compressed models from what is stored of them, within a limit of memory."""

from __future__ import annotations

import re
import unittest

from support import SMALL, CliCase

WAYS = {"fft": "spectral", "fft-int4": "spectral", "fft-box": "spectral", "dct": "spectral", "block-fft": "blocks", "svd": "blocks", "int8": "blocks"}


class Run(CliCase):
    def test_results_are_those_of_the_unpacked_model(self) -> None:
        self.train("run.h5", "--model", "mlp", "--hidden", "64", "--epochs", "2")
        for method, way in WAYS.items():
            with self.subTest(method):
                self.json("compress", "run.h5", "--out", "small.h5", "--force", "--max-error", "0.3", "--axes", "0,1",
                          "--method", method)
                whole = self.json("eval", "small.h5")
                for limit in (64 << 20, 1 << 20):
                    result = self.json("run", "small.h5", "--memory-limit", str(limit))
                    self.assertEqual(result["samples"], whole["samples"])
                    self.assertAlmostEqual(result["test_loss"], whole["test_loss"], places=4)
                    self.assertAlmostEqual(result["test_accuracy"], whole["test_accuracy"], delta=1 / whole["samples"])
                    self.assertEqual(result["layers"][0]["way"], way)
                    self.assertLessEqual(result["peak_memory_bytes"], limit)
                    self.assertEqual(result["memory_limit_bytes"], limit)

    def test_the_limit_that_a_refusal_names_is_the_least(self) -> None:
        self.train("run.h5", "--model", "mlp", "--hidden", "64", "--epochs", "1")
        for method in ("fft", "dct-int8", "block-fft", "svd", "int8", "f16"):
            with self.subTest(method):
                self.json("compress", "run.h5", "--out", "small.h5", "--force", "--max-error", "0.3", "--method", method)
                refused = self.spectral("run", "small.h5", "--memory-limit", "2KiB")
                least = int(re.search("hint: give at least ([0-9]+), ", refused.stderr)[1])
                result = self.json("run", "small.h5", "--memory-limit", str(least))
                self.assertEqual(result["batch"], 1)
                self.assertLessEqual(result["peak_memory_bytes"], least)
                self.assert_refused("run", "small.h5", "--memory-limit", str(least - 1), naming="--memory-limit")

    def test_refusals(self) -> None:
        self.train("run.h5", "--model", "mlp", "--hidden", "64", "--epochs", "1")
        self.json("compress", "run.h5", "--out", "small.h5", "--ratio", "4")
        self.assert_refused("run", "missing.h5", naming="missing.h5")
        self.assert_refused("run", "small.h5", "--memory-limit", "10 parsecs", naming="10 parsecs")
        self.assert_refused("run", "small.h5", "--memory-limit", "2KiB",
                            naming="--memory-limit: 2048 bytes are too few for this model")
        self.assert_refused("run", "small.h5", "--dataset", "mnist", "--data", "nowhere", naming="nowhere")

    def test_networks_that_are_not_linear_alone(self) -> None:
        (self.folder / "text.txt").write_text("the long wave and the short wave meet the shore\n" * 40, encoding="utf-8")
        of_text = ("--dataset", "text", "--data", "text.txt", "--context", "16", "--width", "16", "--layers", "1")
        for model, data in {"purefft": ("--dataset", "tones", *SMALL), "cnn": ("--dataset", "strokes", *SMALL),
                            "global-filter": ("--dataset", "strokes", *SMALL), "char-transformer": of_text}.items():
            with self.subTest(model):
                self.json("train", "--model", model, *data, "--epochs", "2", "--out", "run.h5", "--force")
                self.json("compress", "run.h5", "--out", "small.h5", "--force", "--max-error", "0.3", "--method", "fft")
                whole = self.json("eval", "small.h5")
                result = self.json("run", "small.h5")
                self.assertEqual(result["samples"], whole["samples"])
                self.assertAlmostEqual(result["test_loss"], whole["test_loss"], places=4)
                self.assertAlmostEqual(result["test_accuracy"], whole["test_accuracy"], delta=1 / whole["samples"])
                self.assertIn("expanded", {layer["way"] for layer in result["layers"]})
                self.assertIn("unpacked into memory", self.succeed("run", "small.h5").stdout)
                self.assert_refused("run", "small.h5", "--memory-limit", "2KiB",
                                    naming="--memory-limit: 2048 bytes are too few for this model")
        text = self.json("generate", "small.h5", "--prompt", "the ", "--length", "20", "--temperature", "0")["text"]
        self.assertEqual(len(text), 24)


if __name__ == "__main__":
    unittest.main()
