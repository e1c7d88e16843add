"""Wrong options, configurations and outputs: each is refused by name, and nothing on the disk changes."""

from __future__ import annotations

import json
import subprocess
import unittest

from support import QUICK, REPLACING, TIMEOUT, CliCase, program


class WrongOptions(CliCase):
    def setUp(self) -> None:
        super().setUp()
        self.train("before.h5", "--epochs", "1")

    def assert_train_refused(self, *options: str, naming: str) -> None:
        with self.subTest(options):
            self.assert_refused("train", *QUICK, *REPLACING, *options, naming=naming)

    def test_names(self) -> None:
        self.assert_train_refused("--model", "nope", naming="model 'nope'")
        self.assert_train_refused("--backend", "nope", naming="backend 'nope'")
        self.assert_train_refused("--features", "nope", naming="--features: unknown value 'nope'")
        self.assert_train_refused("--model", "purefft-complex", "--features", "raw",
                                  naming="--features: 'raw' are nothing that purefft-complex reads")
        self.assert_train_refused("--optimiser", "nope", naming="--optimiser: ")
        self.assert_train_refused("--nope", "3", naming="--nope")
        self.assert_refused("train", "--dataset", "nope", *REPLACING, naming="data set 'nope'")
        self.assert_refused("nope", naming="")
        self.assert_refused(naming="subcommand")
        self.assert_refused("models", "--nope", naming="--nope")
        self.assert_refused("eval", naming="file")
        self.assert_refused("inspect", naming="file")

    def test_backend_of_the_environment(self) -> None:
        self.assert_refused("train", *QUICK, *REPLACING, naming="backend 'nope'",
                            environment={"SPECTRAL_BACKEND": "nope"})
        run = self.spectral("train", *QUICK, "--epochs", "1", "--backend", "cpu", SPECTRAL_BACKEND="nope")
        self.assertEqual(run.returncode, 0, run.stderr)  # an option is nearer than the environment

    def test_values(self) -> None:
        for value in ("many", "1.5", "", "8 ", "0x8", "99999999999999999999", "ä", "0", "257", "-1"):
            self.assert_train_refused("--patterns", value, naming="--patterns: ")
        for value in ("fast", "nan", "inf", "-0.1", "1e31"):
            self.assert_train_refused("--learning-rate", value, naming="--learning-rate: ")
        self.assert_train_refused("--epochs", "0", naming="--epochs: 0 is out of range")
        self.assert_train_refused("--seed", "-1", naming="--seed: ")
        self.assert_train_refused("--validation", "1", naming="--validation: ")
        self.assert_train_refused("--classes", "65", naming="--classes: ")
        self.assert_train_refused("--model", "mlp", "--activation", "nope", naming="--activation: ")
        self.assert_train_refused("--epochs", naming="--epochs")

    def test_options_of_another_model_or_data_set(self) -> None:
        self.assert_train_refused("--patterns", "4", "--model", "mlp", naming="--patterns")
        self.assert_train_refused("--hidden", "4", naming="--hidden")
        self.assert_refused("train", "--dataset", "strokes", "--length", "64", *REPLACING,
                            naming="--length")

    def test_options_that_do_nothing_beside_another(self) -> None:
        (self.folder / "text.txt").write_text("to be or not to be " * 50, encoding="utf-8")
        text = ("train", *REPLACING, "--dataset", "text", "--data", "text.txt", "--model")
        tones = ("train", *QUICK, *REPLACING, "--model")
        for given, option, other in (
            ((*text, "char-transformer", "--windings", "3"), "--windings", "embedding lookup"),
            ((*text, "char-transformer", "--embedding", "syntonic", "--windings", "3"), "--windings",
             "embedding syntonic"),
            ((*text, "char-spectral", "--embedding", "winding", "--harmonise"), "--harmonise", "embedding winding"),
            ((*tones, "global-filter", "--mixing", "depthwise"), "--mixing", "blocks 1"),
            ((*tones, "audio-spectral", "--mixing", "depthwise"), "--mixing", "blocks 1"),
            ((*tones, "cnn", "--pool", "1", "--pooling", "average"), "--pooling", "pool 1"),
            ((*tones, "mlp", "--momentum", "0.5"), "--momentum", "optimiser adam"),
            ((*tones, "mlp", "--optimiser", "golden", "--momentum", "0.5"), "--momentum", "optimiser golden"),
            (("train", *REPLACING, "--dataset", "speech", "--data", ".", "--representation", "waveform", "--hop", "64"),
             "--hop", "representation waveform"),
        ):
            with self.subTest(given):
                self.assert_refused(*given, naming=f"{option}: does nothing with {other}")
        (self.folder / "config.json").write_text('{"momentum": 0.5}', encoding="utf-8")
        self.assert_refused("train", "--config", "config.json", *REPLACING, naming="'momentum'")
        # A value that would be there in any case contradicts nothing.
        for given in (("char-spectral", "--windings", "8"), ("char-spectral", "--embedding", "winding", "--windings", "3")):
            self.succeed(*text, *given, "--width", "8", "--layers", "1", "--context", "8", "--epochs", "1")

    def test_hints_say_what_to_do(self) -> None:
        (self.folder / "folder").mkdir()
        text = ("train", "--dataset", "text", "--data")
        for given, hint in (
            ((*text, "folder"), "give the name of a file in it"),
            ((*text, "/nope.txt"), "check the name and the folder"),
            (("train", "--start", "nothere.h5"), f"it was looked for in {self.folder}"),
            (("generate", "nofile.h5"), f"it was looked for in {self.folder}"),
            (("train", "--dataset", "hdf5", "--data", "before.h5"), "--train-features NAME"),
            (("compress", "before.h5", "--ratio", "0.5", "--out", "new.h5"), "a file has to become smaller"),
            (("compress", "before.h5", "--keep", "3", "--method", "fft", "--out", "new.h5"), "share of each tensor"),
            (("compress", "before.h5", "--max-error", "2", "--out", "new.h5"), "part of each tensor's norm"),
        ):
            with self.subTest(given):
                run = self.spectral(*given)
                self.assertEqual(run.returncode, 2, run.stderr)
                self.assertIn(hint, run.stderr.splitlines()[-1])

    def test_options_that_need_another(self) -> None:
        self.assert_refused("train", *QUICK, "--patterns-png", "picture.png", naming="--patterns-png")
        self.assert_refused("train", "--dataset", "mnist", naming="'mnist'")
        for option in ("--model", "--dataset", "--config"):
            self.assert_refused("train", "--resume", "before.h5", option, "purefft", naming="--resume")

    def test_too_little_memory(self) -> None:
        self.assert_train_refused("--memory-mib", "2", naming="largest holders: tones training set 0.5 MiB")
        for batch, advice in (("1", "raise --memory-mib, or take fewer samples or a smaller model"),
                              ("64", "raise --memory-mib, lower --batch, which is 64, or take fewer samples")):
            little = ("train", *REPLACING, "--memory-mib", "1", "--batch", batch)
            self.assert_refused(*little, naming="of the 1.0 MiB limit in use (--memory-mib 1)")
            told = self.spectral(*little).stderr
            self.assertIn(f"hint: {advice}", told)
            self.assertNotIn("0.0 MiB,", told)
            self.assertNotIn("model file to", told)


class WrongConfiguration(CliCase):
    def assert_config_refused(self, text: str | bytes, naming: str) -> None:
        (self.folder / "config.json").write_bytes(text.encode() if isinstance(text, str) else text)
        with self.subTest(text):
            self.assert_refused("train", "--config", "config.json", "--out", "out.h5", naming=naming)

    def test_not_json(self) -> None:
        for text in ("", "epochs = 3", '{"epochs": 3', '{"epochs": 3} 4', b'{"model": "\xff"}', b"\x00"):
            self.assert_config_refused(text, naming="config.json: is not JSON")
        self.assert_config_refused("[1, 2]", naming="config.json: is not a JSON object")

    def test_nested_too_deeply(self) -> None:
        deep = '{"dataset":' + "[" * 300_000 + "]" * 300_000 + "}"
        (self.folder / "deep.json").write_text(deep, encoding="utf-8")
        self.assert_refused("train", "--config", "deep.json", naming="deep.json")

    def test_wrong_types(self) -> None:
        wrong = {"epochs": "3", "seed": 1.5, "learning_rate": [], "backend": 3, "batch": None}
        for name, value in wrong.items():
            self.assert_config_refused(json.dumps({name: value}), naming=f"'{name}' of config.json")
        for name in ("model", "dataset", "data"):
            self.assert_config_refused(json.dumps({name: 3}), naming=f"'{name}' of config.json")
        self.assert_config_refused('{"model_options": 3}', naming="options of model purefft")
        self.assert_config_refused('{"dataset_options": []}', naming="options of data set strokes")

    def test_unknown_keys(self) -> None:
        self.assert_config_refused('{"epoch": 3}', naming="'epoch'")
        self.assert_config_refused('{"model_options": {"hidden": 4}}', naming="'hidden'")
        self.assert_config_refused('{"dataset_options": {"length": 64}}', naming="'length'")

    def test_out_of_range(self) -> None:
        self.assert_config_refused('{"epochs": 0}', naming="'epochs'")
        self.assert_config_refused('{"model_options": {"patterns": 257}}', naming="'patterns'")
        self.assert_config_refused('{"model": "nope"}', naming="model 'nope'")

    def test_no_readable_file(self) -> None:
        for path in ("missing.json", "/", "/dev/zero"):
            with self.subTest(path):
                self.assert_refused("train", "--config", path, naming=path)


class OccupiedOutput(CliCase):
    """What stands at --out is kept unless it is a model and the user says so."""

    def test_model(self) -> None:
        self.train("run.h5", "--epochs", "1")
        before = (self.folder / "run.h5").read_bytes()
        again = ("train", *QUICK, "--epochs", "1", "--seed", "1", "--out", "run.h5")
        self.assert_refused(*again, naming="run.h5: exists already")
        self.assert_refused(*again, "--log", "log", naming="run.h5")
        self.json(*again, "--force")
        self.assertNotEqual((self.folder / "run.h5").read_bytes(), before)

    def test_anything_else(self) -> None:
        self.train("run.h5", "--epochs", "1")
        damaged = (self.folder / "run.h5").read_bytes()[:-1]
        for content in (b"", b"weights\n", b"\x89HDF\r\n\x1a\n", damaged):
            (self.folder / "notes").write_bytes(content)
            for force in ((), ("--force",)):
                with self.subTest(content[:8], force=force):
                    self.assert_refused("train", *QUICK, "--epochs", "1", "--out", "notes", *force,
                                        naming="notes: exists and is no model file")

    def test_model_that_goes_on_elsewhere(self) -> None:
        self.train("first.h5", "--epochs", "1")
        self.train("second.h5", "--epochs", "1", "--seed", "1")
        onto = ("train", "--resume", "first.h5", "--epochs", "2", "--out", "second.h5")
        self.assert_refused(*onto, naming="second.h5")
        self.assertEqual(self.json(*onto, "--force")["out"], "second.h5")

    def test_model_that_goes_on_in_place(self) -> None:
        self.train("run.h5", "--epochs", "1")
        (self.folder / "folder").mkdir()
        self.assertEqual(self.json("train", "--resume", "run.h5", "--epochs", "2", "--out",
                                   "folder/../run.h5")["epochs"], 2)


class NamesOfOtherFiles(CliCase):
    """A name that promises its reader another kind of file than would be written there."""

    def test_are_refused_before_anything_is_done(self) -> None:
        self.train("run.h5", "--epochs", "1")
        run = ("train", *QUICK, "--epochs", "1")
        for arguments, option, kind, name in (
            ((*run, "--out"), "--out", "model file", "w.npz"),
            ((*run, "--out"), "--out", "model file", "w.Safetensors"),
            ((*run, "--out", "new.h5", "--patterns-png"), "--patterns-png", "PNG picture", "x.svg"),
            ((*run, "--trace"), "--trace", "Chrome trace", "x.csv"),
            ((*run, "--log"), "--log", "log", "x.csv"),
            (("train", "--resume", "run.h5", "--epochs", "2", "--out"), "--out", "model file", "w.csv"),
            (("compress", "run.h5", "--ratio", "4", "--out"), "--out", "model file", "w.safetensors"),
            (("export", "run.h5", "--out"), "--out", "safetensors file", "w.npz"),
            (("tradeoff", "run.h5", "--out"), "--out", "table", "x.json"),
            (("tradeoff", "run.h5", "--plot"), "--plot", "SVG picture", "x.png"),
        ):
            self.assert_refused(*arguments, name, naming=f"{option}: '{name}' is no name for the {kind}")

    def test_any_other_dot_is_part_of_a_name(self) -> None:
        for name in ("run", "run.2", "run.v1.best", "run.HDF5"):
            self.train(name, "--epochs", "1")
        (self.folder / "run").rename(self.folder / "run.npz")
        self.assertEqual(self.json("train", "--resume", "run.npz", "--epochs", "2")["out"], "run.npz")


class UnwritableOutput(CliCase):
    def test_places(self) -> None:
        (self.folder / "folder").mkdir()
        (self.folder / "file").write_bytes(b"what was here before")
        for out in ("missing/out.h5", "/dev/full", "folder", "folder/", "file/out.h5", "x" * 300):
            for option in ("--out", "--log"):
                if (option, out) == ("--log", "/dev/full"):
                    continue  # can be opened; what fails is writing, in the middle of the run
                with self.subTest(out, option=option):
                    self.assert_refused("train", *QUICK, "--epochs", "1", option, out, naming=out)

    def test_log_that_can_no_longer_be_written(self) -> None:
        run = self.spectral("train", *QUICK, "--epochs", "2", "--out", "run.h5", "--log", "/dev/full")
        self.assertEqual(run.returncode, 3, run.stderr)
        self.assertIn("/dev/full can no longer be written: No space left on device", run.stderr)
        self.assertTrue((self.folder / "run.h5").exists(), "the training itself went on")

    def test_picture(self) -> None:
        for out in ("missing/picture.png", "/dev/full"):
            with self.subTest(out):
                self.assert_refused("train", *QUICK, "--out", "run.h5", "--patterns-png", out, naming=out)
                self.assertFalse((self.folder / "run.h5").exists(), "refused before anything was trained")

    def test_disk_that_fills_up(self) -> None:
        """A limit on the size of files stands for the disk: the write fails in the middle, as ENOSPC does."""
        self.train("run.h5", "--epochs", "1")
        before = (self.folder / "run.h5").read_bytes()
        limited = 'ulimit -f 8; exec "$0" "$@"'
        run = subprocess.run(["sh", "-c", limited, program(), "train", "--resume", "run.h5", "--epochs", "2"],
                             capture_output=True, encoding="utf-8", cwd=self.folder, timeout=TIMEOUT,
                             check=False)
        self.assertEqual(run.returncode, 3, run.stderr)
        self.assertRegex(run.stderr, r"error: run\.h5: cannot be written: .*\nhint: .*space")
        self.assertEqual((self.folder / "run.h5").read_bytes(), before)
        self.assertEqual(set(self.contents()), {"run.h5"})

    def test_standard_output_that_is_full(self) -> None:
        for arguments in (("--help",), ("compress", "--help"), ("--version",), ("models",), ("datasets", "--json")):
            with self.subTest(arguments), open("/dev/full", "w", encoding="utf-8") as full:
                run = subprocess.run([program(), *arguments], stdout=full, stderr=subprocess.PIPE, encoding="utf-8",
                                     timeout=TIMEOUT, check=False)
                self.assertEqual(run.returncode, 3, run.stderr)
                self.assertRegex(run.stderr, "error: standard output: cannot be written, .*\nhint: free some space")

    def test_picture_and_trace_are_not_replaced_unasked(self) -> None:
        run = ("train", *QUICK, "--epochs", "1")
        for option, kind in (("--patterns-png", "PNG picture"), ("--trace", "Chrome trace")):
            with self.subTest(option):
                self.succeed(*run, "--out", "run.h5", "--force", option, "made")
                self.assert_refused(*run, "--out", "other.h5", option, "made", naming="made: exists already")
                self.succeed(*run, "--out", "run.h5", "--force", option, "made")
                (self.folder / "made").write_text("notes")
                self.assert_refused(*run, "--out", "run.h5", "--force", option, "made",
                                    naming=f"made: exists and is no {kind}")
                (self.folder / "made").unlink()

    def test_checkpoint_of_a_resumed_run_stays(self) -> None:
        self.train("run.h5", "--epochs", "1")
        self.assert_refused("train", "--resume", "run.h5", "--epochs", "2", "--out", "missing/out.h5",
                            naming="missing/out.h5")


if __name__ == "__main__":
    unittest.main()
