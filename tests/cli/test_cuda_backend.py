"""The CUDA backend as the program sees it: a module, here one that emulates a device on the CPU."""

from __future__ import annotations

import os
import unittest

from support import ENVIRONMENT, QUICK, CliCase, h5py, tensors

# One hundred steps.
STEPS = (*QUICK, "--batch", "25", "--epochs", "5", "--seed", "3")


def module_folder() -> str:
    path = os.environ.get("SPECTRAL_EMULATED_MODULES")
    if not path:
        raise SystemExit("error: SPECTRAL_EMULATED_MODULES is not set\nhint: set it to the emulated module's folder")
    return path


class WithoutAModule(CliCase):
    def setUp(self) -> None:
        super().setUp()
        ENVIRONMENT["SPECTRAL_MODULES"] = str(self.folder)

    def test_says_why_it_is_not_usable(self) -> None:
        cuda = [each for each in self.json("backends")["backends"] if each["name"] == "cuda"]
        self.assertEqual(cuda, [{"name": "cuda", "usable": False, "device": "",
                                 "reason": "this build has no spectral-cuda.so"}])

    def test_auto_takes_the_cpu(self) -> None:
        self.assertEqual(self.train("run.h5", "--epochs", "1")["backend"], "cpu")

    def test_asking_for_it_is_an_error(self) -> None:
        self.assert_refused("train", *STEPS, "--backend", "cuda", naming="this build has no spectral-cuda.so")

    def test_a_damaged_module(self) -> None:
        (self.folder / "spectral-cuda.so").write_text("no library")
        self.assert_refused("train", *STEPS, "--backend", "cuda", naming="its module does not load")


class OnAnEmulatedDevice(CliCase):
    def setUp(self) -> None:
        super().setUp()
        ENVIRONMENT["SPECTRAL_MODULES"] = module_folder()

    def losses(self, name: str) -> list[float]:
        with h5py.File(self.folder / name) as file:
            return file["history/loss"][()].tolist()

    def test_is_listed_and_chosen(self) -> None:
        cuda = [each for each in self.json("backends")["backends"] if each["name"] == "cuda"]
        self.assertTrue(cuda[0]["usable"], cuda)
        self.assertIn("CUDA on CPU", cuda[0]["device"])
        result = self.train("run.h5", "--epochs", "1")
        self.assertEqual((result["backend"], result["device"]), ("cuda", cuda[0]["device"]))

    def test_wrong_devices(self) -> None:
        for name, naming in (("cuda:7", "there is no such device"), ("cuda:x", "no device number"),
                             ("abacus", "not known")):
            self.assert_refused("train", *STEPS, "--backend", name, naming=naming)

    @unittest.skipIf(h5py is None, "no h5py")
    def test_trains_as_the_cpu_does(self) -> None:
        """Within 0.1 % over 100 steps, or ten times what another number of threads changes on the CPU: PureFFT's
        first gradients are zero but for rounding, which Adam makes as large as any other."""
        for model in ("purefft", "logistic", "mlp"):
            for name, *backend in (("one", "cpu", "--threads", "1"), ("two", "cpu", "--threads", "2"),
                                   ("cuda", "cuda")):
                self.json("train", *STEPS, "--model", model, "--out", f"{model}-{name}.h5", "--backend",
                          *backend)
            one, two, cuda = (self.losses(f"{model}-{name}.h5") for name in ("one", "two", "cuda"))
            self.assertEqual(len(one), 100)
            spread = 0.0
            for step, (expected, other, loss) in enumerate(zip(one, two, cuda, strict=True), 1):
                spread = max(spread, abs(other - expected) / abs(expected))
                difference = abs(loss - expected) / abs(expected)
                self.assertLessEqual(difference, max(1e-3, 10 * spread), f"{model}, step {step}")
            if model != "purefft":
                self.assertLess(spread, 2e-4, model)

    @unittest.skipIf(h5py is None, "no h5py")
    def test_two_runs_are_bit_identical(self) -> None:
        for name in ("first.h5", "second.h5"):
            self.json("train", *STEPS, "--backend", "cuda", "--out", name)
        self.assertEqual(tensors(self.folder / "first.h5"), tensors(self.folder / "second.h5"))

    @unittest.skipIf(h5py is None, "no h5py")
    def test_resuming_is_bit_identical(self) -> None:
        self.json("train", *STEPS, "--backend", "cuda", "--out", "whole.h5")
        self.json("train", *QUICK, "--batch", "25", "--seed", "3", "--epochs", "2", "--backend", "cuda", "--out",
                  "parts.h5")
        self.json("train", "--resume", "parts.h5", "--epochs", "5")
        self.assert_same_model("whole.h5", "parts.h5")

    def test_losing_the_device_leaves_the_last_checkpoint(self) -> None:
        self.json("train", *STEPS, "--backend", "cpu", "--out", "whole.h5")
        run = self.spectral("train", *STEPS, "--backend", "cuda", "--out", "run.h5", CUDA_ON_CPU_LOSE_DEVICE="2000")
        self.assertEqual(run.returncode, 3, run.stderr)
        self.assertIn("error: cuda", run.stderr)
        self.assertIn("hint: the device cannot be used again", run.stderr)
        result = self.json("train", "--resume", "run.h5", "--backend", "cpu")
        self.assertEqual((result["backend"], result["epochs"]), ("cpu", 5))

    def test_running_out_of_device_memory(self) -> None:
        for mebibytes, naming in ((4, "cuda working memory: the device has no memory left"),
                                  (18, "the cuda backend has no")):
            with self.subTest(mebibytes=mebibytes):
                self.assert_refused("train", *STEPS, "--backend", "cuda", naming=naming,
                                    environment={"CUDA_ON_CPU_MEMORY": str(mebibytes << 20)})

    def test_benchmarks_compare_backends(self) -> None:
        results = self.json("bench", "--op", "purefft_forward", "--level", "all", "--backend", "all",
                            "--size", "batch=64", "--size", "frequencies=17")["results"]
        levels = {each["level"] for each in results if each["backend"] == "cuda"}
        self.assertEqual(levels, {1, 2, 3, 4, 5, 6, 7})
        for each in results:
            self.assertLess(each["max_abs_diff"], {6: 1e-2, 7: 1e-1}.get(each["level"], 1e-3), each)

    @unittest.skipIf(h5py is None, "no h5py")
    def test_tensor_cores_are_opt_in_and_change_the_last_digits(self) -> None:
        for name, *options in (("best",), ("same", "--precision", "float32"), ("tf32", "--precision", "tf32"),
                               ("bf16", "--precision", "bf16")):
            self.json("train", *STEPS, *options, "--backend", "cuda", "--out", f"{name}.h5")
        self.assert_same_model("best.h5", "same.h5")
        best, tf32, bf16 = (self.losses(f"{name}.h5") for name in ("best", "tf32", "bf16"))
        distance = [max(abs(x - y) / y for x, y in zip(other, best, strict=True)) for other in (tf32, bf16)]
        self.assertTrue(0 < distance[0] < distance[1] < 0.05, distance)


if __name__ == "__main__":
    if os.environ.get("SPECTRAL_EMULATION_IS_SLOW"):
        print("skipped: the emulated device is too slow under this sanitizer")
        raise SystemExit(77)
    unittest.main()
