"""Help, version and what the program says about itself, its parts and its files."""

from __future__ import annotations

import json
import os
import unittest

import support
from support import CliCase

COMMANDS = ("backends", "datasets", "models", "train", "eval", "inspect", "compress", "tradeoff", "export")


class Help(CliCase):
    def test_every_command_has_help_with_examples(self) -> None:
        for command in ((), *((name,) for name in COMMANDS)):
            with self.subTest(command):
                run = self.succeed(*command, "--help")
                self.assertEqual(run.stderr, "")
                self.assertRegex(run.stdout, r"Examples?:\n  spectral ")

    def test_help_lists_commands_and_generated_options(self) -> None:
        text = self.succeed("--help").stdout
        for command in COMMANDS:
            self.assertRegex(text, rf"\n  {command} +\w")
        text = self.succeed("train", "--help").stdout
        for option in ("--epochs", "--patterns", "--hidden", "--train-samples", "--length"):
            self.assertRegex(text, rf"\n  {option} +\w")

    def test_help_has_every_model_and_data_set_with_its_own_defaults(self) -> None:
        for kind, listed, command in (("Model", "models", "train"), ("Data set", "datasets", "train"),
                                      ("Data set", "datasets", "eval"), ("Data set", "datasets", "compress")):
            text = self.succeed(command, "--help").stdout
            for each in self.json(listed)[listed]:
                with self.subTest(command, of=each["name"]):
                    start = text.index(f"\n{kind} {each['name']}: ") + 1
                    section = text[start:text.index("\n\n", start)].splitlines()
                    lines = {line.split()[0]: line for line in section[1:]}
                    for option in each["options"]:
                        line = lines["--" + option["name"].replace("_", "-")]
                        default = option["default"]
                        standard = default if isinstance(default, str) else json.dumps(default)
                        self.assertIn(f" {option['help']} [{standard}", line)
                    self.assertEqual(len(lines), max(1, len(each["options"])))

    def test_version(self) -> None:
        self.assertRegex(self.succeed("--version").stdout, r"^\d+\.\d+\.\d+ \(([0-9a-f]{12}|unknown)\)\n$")

    def test_restart_for_the_wait_policy_keeps_the_arguments(self) -> None:
        environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
        self.addCleanup(setattr, support, "ENVIRONMENT", support.ENVIRONMENT)
        support.ENVIRONMENT = environment
        self.assert_refused("train", "--model", "two words", naming="'two words'")


class Lists(CliCase):
    def test_backends(self) -> None:
        backends = self.json("backends")["backends"]
        for each in backends:
            self.assertEqual(set(each), {"name", "usable", "device", "reason"})
            self.assertTrue(each["device"] if each["usable"] else each["reason"], each)
        self.assertIn(("cpu", True), [(each["name"], each["usable"]) for each in backends])

    def test_datasets_and_models(self) -> None:
        datasets, models = self.json("datasets")["datasets"], self.json("models")["models"]
        self.assertLessEqual({"strokes", "tones", "mnist", "idx"}, {each["name"] for each in datasets})
        self.assertLessEqual({"purefft", "logistic", "mlp"}, {each["name"] for each in models})
        for each in datasets:
            self.assertEqual(set(each), {"name", "title", "help", "needs_path", "options"})
        for each in models:
            self.assertEqual(set(each), {"name", "title", "help", "note", "features", "reads", "options"})
        for each in datasets + models:
            for option in each["options"]:
                self.assertEqual(set(option) - {"with"}, {"name", "default", "range", "help"})
        transformer = {each["name"]: each for each in models}["char-transformer"]
        self.assertIn("embedding winding", [option.get("with") for option in transformer["options"]])

    def test_plain_lists_name_the_same(self) -> None:
        for command in ("backends", "datasets", "models"):
            text = self.succeed(command).stdout
            for each in self.json(command)[command]:
                self.assertRegex(text, rf"(?m)^{each['name']} ")

    def test_plain_lists_say_of_options_what_the_help_says(self) -> None:
        options = [line.split() for line in self.succeed("train", "--help").stdout.splitlines()]
        for command in ("datasets", "models"):
            for line in self.succeed(command).stdout.splitlines():
                if line.startswith("    --"):
                    self.assertIn(line.split(), options)


class Files(CliCase):
    def test_inspect(self) -> None:
        result = self.train("run.h5", "--epochs", "2", "--seed", "3", "--patterns", "4")
        found = self.json("inspect", "run.h5")
        self.assertEqual(found["file_bytes"], (self.folder / "run.h5").stat().st_size)
        self.assertEqual(found["producer"], "Spectral Workbench")
        self.assertRegex(found["created_utc"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertRegex(found["dataset_sha256"], r"^[0-9a-f]{64}$")
        self.assertEqual((found["dataset"], found["seed"]), ("tones", 3))
        self.assertEqual(found["parameters"], result["parameters"])
        self.assertEqual(found["metrics"]["test_loss"], result["test_loss"])
        self.assertEqual(found["config"]["model_options"]["patterns"], 4)
        self.assertEqual(found["learning_rate"], {"start": 0.001, "end": 0.001, "schedule": "constant"})
        self.assertEqual((found["checkpoint"]["epoch"], found["checkpoint"]["step"]), (2, 4))
        self.assertEqual(set(found["provenance"]), {"git", "backend", "device", "library_versions", "start_sha256", "replacements",
                                                    "replaced"})
        self.assertEqual(sum(each["dense_bytes"] for each in found["tensors"]), 4 * result["parameters"])
        for each in found["tensors"]:
            self.assertEqual(set(each), {"name", "kind", "shape", "method", "dense_bytes", "stored_bytes", "relative_error",
                                         "spectrum"})
            self.assertIn(each["name"], self.succeed("inspect", "run.h5").stdout)

    def test_eval_repeats_the_result_of_training(self) -> None:
        trained = self.train("run.h5", "--epochs", "2")
        found = self.json("eval", "run.h5")
        self.assertEqual(set(found), {"test_accuracy", "test_loss", "samples", "seconds"})
        self.assertEqual(found["test_accuracy"], trained["test_accuracy"])
        self.assertEqual(found["test_loss"], trained["test_loss"])
        self.assertEqual(found["samples"], 100)
        self.assertIn("100 samples", self.succeed("eval", "run.h5").stdout)

    def test_eval_on_other_data(self) -> None:
        self.train("run.h5", "--epochs", "1")
        found = self.json("eval", "run.h5", "--data-seed", "2", "--test-samples", "150")
        self.assertEqual(found["samples"], 150)
        self.assert_refused("eval", "run.h5", "--dataset", "strokes", naming="instead of")
        self.assert_refused("eval", "run.h5", "--dataset", "mnist", naming="mnist")
        self.assert_refused("eval", "run.h5", "--backend", "nope", naming="backend 'nope'")


if __name__ == "__main__":
    unittest.main()
