"""Convolutional networks from training to a compressed file."""

from __future__ import annotations

import unittest

from support import SMALL, CliCase

SMALL_NETWORK = ("--model", "cnn", "--channels", "4", "--dense", "16", "--dataset", "strokes", *SMALL)


class Convolution(CliCase):
    def network(self, out: str, *arguments: str) -> dict:
        return self.json("train", *SMALL_NETWORK, "--out", out, *arguments)

    def test_files_hold_running_statistics_and_are_no_larger_for_the_optimiser(self) -> None:
        trained = self.network("run.h5", "--epochs", "3")
        # 4·9 + 2·4, 8·4·9 + 2·8, and the dense layers: a statistic is no parameter.
        inputs = 8 * 7 * 7
        self.assertEqual(trained["parameters"], 44 + 304 + (inputs + 1) * 16 + 17 * 10)
        evaluated = self.json("eval", "run.h5")
        for field in ("test_accuracy", "test_loss"):
            self.assertAlmostEqual(evaluated[field], trained[field], places=6)
        inspected = self.json("inspect", "run.h5")
        shapes = {tensor["name"]: tensor["shape"] for tensor in inspected["tensors"]}
        self.assertEqual(shapes["convolution2/weight"], [8, 4, 3, 3])
        self.assertEqual(shapes["norm1/running_variance"], [4])

    def test_a_resumed_run_ends_where_an_uninterrupted_one_does(self) -> None:
        for pooling in ("max", "spectral"):
            with self.subTest(pooling):
                self.network(f"whole {pooling}.h5", "--epochs", "3", "--pooling", pooling)
                self.network(f"parts {pooling}.h5", "--epochs", "1", "--pooling", pooling)
                self.json("train", "--resume", f"parts {pooling}.h5", "--epochs", "3")
                self.assert_same_model(f"whole {pooling}.h5", f"parts {pooling}.h5")

    def test_compression_leaves_statistics_as_they_are(self) -> None:
        self.network("run.h5", "--epochs", "2")
        for method in ("fft", "int8", "auto"):
            with self.subTest(method):
                result = self.json("compress", "run.h5", "--out", "small.h5", "--force", "--ratio", "1.4", "--method", method)
                names = [tensor["name"] for tensor in result["tensors"]]
                self.assertIn("convolution2/weight", names)
                small = {tensor["name"]: tensor for tensor in self.json("inspect", "small.h5")["tensors"]}
                before = {tensor["name"]: tensor for tensor in self.json("inspect", "run.h5")["tensors"]}
                self.assertEqual(small["norm1/running_mean"], before["norm1/running_mean"])
                whole = self.json("eval", "small.h5")
                self.assertGreater(whole["samples"], 0)
                self.assertAlmostEqual(self.json("run", "small.h5")["test_loss"], whole["test_loss"], places=4)

    def test_signals_and_pictures_are_both_taken(self) -> None:
        result = self.json("train", "--model", "cnn", "--dataset", "tones", *SMALL, "--kernel", "9", "--blocks", "3",
                           "--channels", "4", "--pool", "4", "--epochs", "1", "--out", "run.h5")
        self.assertEqual(result["epochs"], 1)
        self.assertEqual(self.json("eval", "run.h5")["test_loss"], result["test_loss"])

    def test_refusals(self) -> None:
        train = ("train", *SMALL_NETWORK, "--epochs", "1", "--out", "new.h5")
        self.assert_refused(*train, "--kernel", "29", naming="--kernel: 29 is larger than the samples, 28 × 28")
        self.assert_refused(*train, "--blocks", "8",
                            naming="--blocks: after block 4 the maps are 1 × 1, smaller than kernels of 3")
        self.assertIn("hint: take at most 4 --blocks, or a smaller --kernel or --pool",
                      self.spectral(*train, "--blocks", "8").stderr)
        self.assert_refused(*train, "--pooling", "median", naming="--pooling")


if __name__ == "__main__":
    unittest.main()
