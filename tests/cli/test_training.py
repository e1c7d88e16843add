"""What training prints and writes, and that a configuration and a seed give the same model again."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import unittest
from pathlib import Path

from support import QUICK, SMALL, TIMEOUT, CliCase, program

FIELDS = {
    "model": str, "dataset": str, "backend": str, "device": str, "seed": int, "epochs": int,
    "parameters": int, "test_accuracy": float, "test_loss": float, "train_seconds_per_epoch": float,
    "samples_per_second": float, "peak_memory_bytes": int, "out": str,
}


class Output(CliCase):
    def test_json(self) -> None:
        result = self.train("run.h5", "--epochs", "2", "--seed", "5")
        for name, kind in FIELDS.items():
            self.assertIsInstance(result.get(name), kind, name)
        expected = {"model": "purefft", "dataset": "tones", "backend": "cpu", "seed": 5, "epochs": 2,
                    "out": "run.h5"}
        self.assertEqual({name: result[name] for name in expected}, expected)
        self.assertTrue(0 <= result["test_accuracy"] <= 1)
        for name in ("test_loss", "train_seconds_per_epoch", "samples_per_second", "peak_memory_bytes"):
            self.assertGreater(result[name], 0, name)

    def test_quiet_when_piped(self) -> None:
        run = self.succeed("train", *QUICK, "--epochs", "2", "--out", "run.h5")
        self.assertEqual(run.stdout, "")
        self.assertNotRegex(run.stderr, r"[\r\x1b]")
        self.assertEqual(sum(line.startswith("epoch ") for line in run.stderr.splitlines()), 2)

    def test_log(self) -> None:
        (self.folder / "log").write_text('{"epoch":1,"of":"an older run"}\n', encoding="utf-8")
        self.assert_refused("train", *QUICK, "--epochs", "3", "--log", "log", naming="log: exists already")
        result = self.train("run.h5", "--epochs", "3", "--log", "log", "--force")
        lines = [json.loads(line) for line in (self.folder / "log").read_text(encoding="utf-8").splitlines()]
        self.assertEqual([line["epoch"] for line in lines], [1, 2, 3])
        names = {"epoch", "step", "train_loss", "train_accuracy", "test_loss", "test_accuracy"}
        for line in lines:
            self.assertEqual(set(line), names)
        self.assertEqual(lines[-1]["test_loss"], result["test_loss"])
        self.json("train", "--resume", "run.h5", "--epochs", "4", "--log", "log")
        lines = [json.loads(line) for line in (self.folder / "log").read_text(encoding="utf-8").splitlines()]
        self.assertEqual([line["epoch"] for line in lines], [1, 2, 3, 4])
        self.assert_refused("train", "--dataset", "mnist", "--data", "missing", "--log", "log", "--force",
                            naming="missing")
        self.assertEqual(len((self.folder / "log").read_text(encoding="utf-8").splitlines()), 4)
        self.assert_refused("train", "--dataset", "mnist", "--data", "missing", "--log", "new", naming="missing")
        self.assertFalse((self.folder / "new").exists(), "nothing is left of a run that did not start")
        (self.folder / "notes").write_text("mine")
        self.assert_refused("train", *QUICK, "--log", "notes", "--force", naming="notes: exists and is no log")

    def test_validation_while_training_and_the_test_set_at_the_end(self) -> None:
        result = self.train("run.h5", "--epochs", "1", "--validation", "0.2", "--log", "log")
        line = json.loads((self.folder / "log").read_text(encoding="utf-8"))
        self.assertEqual(line["validation_loss"], result["validation_loss"])
        self.assertNotIn("test_loss", line)
        self.assertEqual(self.json("eval", "run.h5")["test_loss"], result["test_loss"])
        self.assertNotEqual(result["validation_loss"], result["test_loss"])

    def test_output_that_cannot_be_written(self) -> None:
        for arguments in (("models",), ("train", *QUICK, "--epochs", "1", "--json")):
            with self.subTest(arguments), open("/dev/full", "w", encoding="utf-8") as full:
                run = subprocess.run([program(), *arguments], stdout=full, stderr=subprocess.PIPE,
                                     encoding="utf-8", cwd=self.folder, timeout=TIMEOUT, check=False)
                self.assertEqual(run.returncode, 3)
                self.assertIn("error: standard output", run.stderr)

    def test_patterns_picture(self) -> None:
        self.train("run.h5", "--epochs", "1", "--patterns-png", "picture.png")
        self.assertEqual((self.folder / "picture.png").read_bytes()[:8], b"\x89PNG\r\n\x1a\n")

    def test_nothing_is_left_beside_the_model(self) -> None:
        self.train("run.h5", "--epochs", "3")
        self.assertEqual(set(self.contents()), {"run.h5"})

    def test_every_model_trains_on_every_generator(self) -> None:
        sets = [each["name"] for each in self.json("datasets")["datasets"] if not each["needs_path"]]
        for model, features in ((each["name"], each["features"]) for each in self.json("models")["models"]):
            for dataset in sets:
                with self.subTest(model, dataset=dataset):
                    if features == "tokens":
                        self.assert_refused("train", "--model", model, "--dataset", dataset, *SMALL, "--out", "run.h5",
                                            "--force", naming="no text")
                        continue
                    result = self.json("train", "--model", model, "--dataset", dataset, *SMALL,
                                       "--epochs", "1", "--out", "run.h5", "--force")
                    self.assertEqual(self.json("eval", "run.h5")["test_loss"], result["test_loss"])

    def test_divergence_is_a_failed_run(self) -> None:
        run = self.spectral("train", *QUICK, "--learning-rate", "1e30", "--out", "run.h5")
        self.assertEqual(run.returncode, 3, run.stderr)
        self.assertRegex(run.stderr, r"\nerror: step \d+: .*not finite.*\nhint: ")
        self.json("inspect", "run.h5")


class Limits(CliCase):
    def test_max_seconds(self) -> None:
        result = self.train("run.h5", "--epochs", "1000000", "--max-seconds", "0.1")
        self.assertEqual(result["state"], "stopped")
        self.assertLess(result["epochs"], 1000000)
        self.assertEqual(self.json("inspect", "run.h5")["checkpoint"]["epoch"], result["epochs"])

    def test_time_that_is_over_is_said_and_the_advice_goes_on(self) -> None:
        run = self.succeed("train", *QUICK, "--epochs", "40", "--max-seconds", "0.001", "--out", "a run.h5")
        self.assertIn("stopped: the 0.001 s of --max-seconds are over; test accuracy ", run.stderr)
        advice = re.search(r"(?m)^go on with: spectral (.*)$", run.stderr)
        assert advice
        again = self.json(*shlex.split(advice[1]))
        self.assertEqual((again["state"], again["epochs"]), ("finished", 40))

    def test_no_time_of_an_epoch_where_none_was_whole(self) -> None:
        stopped = (*QUICK, "--batch", "1", "--max-seconds", "0.000001")
        self.assertIsNone(self.json("train", *stopped)["train_seconds_per_epoch"])
        self.assertIn(", median epoch –, mean ", self.succeed("train", *stopped).stderr)

    def test_large_numbers_are_whole_and_grouped(self) -> None:
        run = self.succeed("train", "--dataset", "tones", "--train-samples", "2000", "--epochs", "1")
        self.assertRegex(run.stderr, r"mean \d{1,3}(,\d{3})+ samples/s")
        self.assertIn("2,000 training samples", run.stderr)

    def test_memory_that_is_enough(self) -> None:
        peak = self.train("run.h5", "--epochs", "1")["peak_memory_bytes"]
        enough = -(-peak // 2**20)
        result = self.train("run.h5", "--epochs", "1", "--force", "--memory-mib", str(enough))
        self.assertEqual(result["peak_memory_bytes"], peak)


class SameAgain(CliCase):
    def test_seed(self) -> None:
        first = self.train("first.h5", "--epochs", "3", "--seed", "7")
        second = self.train("second.h5", "--epochs", "3", "--seed", "7")
        other = self.train("other.h5", "--epochs", "3", "--seed", "8")
        self.assertEqual(first["test_loss"], second["test_loss"])
        self.assertNotEqual(first["test_loss"], other["test_loss"])
        self.assert_same_model("first.h5", "second.h5")

    def test_configuration_in_the_file(self) -> None:
        first = self.train("first.h5", "--epochs", "2", "--patterns", "4", "--optimiser", "sgd",
                           "--batch", "50", "--learning-rate", "0.01", "--seed", "9", "--length", "100")
        config = self.json("inspect", "first.h5")["config"]
        (self.folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        second = self.json("train", "--config", "config.json", "--out", "second.h5")
        self.assertEqual(first["test_loss"], second["test_loss"])
        self.assertEqual(self.json("inspect", "second.h5")["config"], config)
        self.assert_same_model("first.h5", "second.h5")

    def test_example_configurations(self) -> None:
        examples = sorted((Path(__file__).parents[2] / "resources/configs").glob("*.json"))
        self.assertTrue(examples)
        needs_path = {each["name"] for each in self.json("datasets")["datasets"] if each["needs_path"]}
        for example in examples:
            with self.subTest(example.name):
                config = json.loads(example.read_text(encoding="utf-8"))
                if config["dataset"] == "text":
                    (self.folder / "text.txt").write_text("to be, or not to be\n" * 200, encoding="utf-8")
                    config["data"] = "text.txt"
                else:
                    if config["dataset"] in needs_path:
                        config["dataset"] = "strokes"
                    config.setdefault("dataset_options", {}).update(train_samples=300, test_samples=100)
                (self.folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
                self.json("train", "--config", "config.json", "--epochs", "1", "--out", "run.h5", "--force")

    def test_standardise(self) -> None:
        plain = self.train("plain.h5", "--model", "logistic", "--epochs", "2")
        result = self.train("run.h5", "--model", "logistic", "--epochs", "2", "--standardise")
        self.assertNotEqual(result["test_loss"], plain["test_loss"])
        self.assertEqual(self.json("eval", "run.h5")["test_loss"], result["test_loss"])
        self.assertEqual(self.json("inspect", "run.h5")["parameters"], result["parameters"])
        explicit = self.train("off.h5", "--model", "logistic", "--epochs", "2", "--standardise=false")
        self.assertEqual(explicit["test_loss"], plain["test_loss"])

    def test_flags_override_the_configuration(self) -> None:
        self.train("first.h5", "--epochs", "3", "--patterns", "4", "--length", "100")
        config = self.json("inspect", "first.h5")["config"]
        (self.folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        self.json("train", "--config", "config.json", "--epochs", "1", "--patterns", "5",
                  "--out", "second.h5")
        changed = self.json("inspect", "second.h5")["config"]
        config["epochs"], config["model_options"]["patterns"] = 1, 5
        self.assertEqual(changed, config)
        # Another data set drops the options of the first one and keeps the model's.
        self.json("train", "--config", "config.json", "--dataset", "strokes", *SMALL, "--out", "third.h5")
        changed = self.json("inspect", "third.h5")["config"]
        self.assertEqual(changed["model_options"]["patterns"], 4)
        self.assertEqual(changed["dataset_options"]["train_samples"], 500)


if __name__ == "__main__":
    unittest.main()
