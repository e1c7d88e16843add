"""A run that is stopped or killed goes on where its checkpoint is, to the bits of an uninterrupted one."""

from __future__ import annotations

import json
import signal
import unittest

from support import CliCase

# Noisy, so that the loss still changes; small batches, so that most of the time is spent inside an epoch.
RUN = ("train", "--dataset", "tones", "--train-samples", "2000", "--test-samples", "200", "--noise", "3",
       "--batch", "10", "--seed", "4")
ENDLESS = (*RUN, "--epochs", "1000000", "--out", "run.h5", "--force", "--json")
AFTER_TWO_EPOCHS = "epoch   2 "


class Interruption(CliCase):
    def assert_goes_on(self) -> None:
        """Resumes run.h5 for two more epochs and compares with as many in one go."""
        done = self.json("inspect", "run.h5")["checkpoint"]["epoch"]
        self.assertGreaterEqual(done, 1)
        total = str(done + 2)
        resumed = self.json("train", "--resume", "run.h5", "--epochs", total)
        whole = self.json(*RUN, "--epochs", total, "--out", "whole.h5", "--force")
        self.assertEqual((resumed["state"], resumed["epochs"]), ("finished", done + 2))
        self.assertEqual(resumed["out"], "run.h5")
        self.assertEqual(resumed["test_loss"], whole["test_loss"])
        self.assertEqual(resumed["test_accuracy"], whole["test_accuracy"])
        self.assert_same_model("run.h5", "whole.h5")
        self.assertEqual(set(self.contents()), {"run.h5", "whole.h5"})  # no temporary file stays

    def test_stop(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number.name):
                code, output = self.interrupt(number, AFTER_TWO_EPOCHS, *ENDLESS)
                self.assertEqual(code, 0)
                result = json.loads(output)
                self.assertEqual(result["state"], "stopped")
                found = self.json("inspect", "run.h5")
                self.assertEqual(found["checkpoint"]["epoch"], result["epochs"])
                self.assertEqual(found["metrics"]["test_loss"], result["test_loss"])
                self.assert_goes_on()

    def test_kill(self) -> None:
        code, output = self.interrupt(signal.SIGKILL, AFTER_TWO_EPOCHS, *ENDLESS)
        self.assertEqual((code, output), (-signal.SIGKILL, ""))
        self.assert_goes_on()

    def test_resume_into_another_file(self) -> None:
        self.json(*RUN, "--epochs", "1", "--out", "run.h5")
        before = (self.folder / "run.h5").read_bytes()
        result = self.json("train", "--resume", "run.h5", "--epochs", "2", "--out", "new.h5")
        self.assertEqual(result["out"], "new.h5")
        self.assertEqual((self.folder / "run.h5").read_bytes(), before)
        self.json(*RUN, "--epochs", "2", "--out", "whole.h5")
        self.assert_same_model("new.h5", "whole.h5")

    def test_resume_says_which_file_it_continues(self) -> None:
        self.json(*RUN, "--epochs", "1", "--out", "run.h5")
        for epochs, out, said in (("2", (), "continues run.h5"), ("3", ("--out", "run.h5"), "continues run.h5"),
                                  ("4", ("--out", "new.h5"), "continues run.h5 in new.h5")):
            with self.subTest(out):
                run = self.succeed("train", "--resume", "run.h5", "--epochs", epochs, *out)
                self.assertIn(said, run.stderr.splitlines())
        run = self.succeed(*RUN, "--epochs", "1", "--out", "other.h5")
        self.assertNotIn("continues", run.stderr)

    def test_resume_of_a_finished_run_is_refused_before_anything_is_written(self) -> None:
        self.json(*RUN, "--epochs", "2", "--out", "run.h5")
        resume = ("train", "--resume", "run.h5")
        for given in ((), ("--learning-rate", "0.5"), ("--epochs", "2"), ("--out", "again.h5")):
            self.assert_refused(*resume, *given, naming="--epochs: run.h5 is already at 2 of 2 epochs")
        self.assert_refused(*resume, "--epochs", "1", naming="--epochs: run.h5 is already at 2 of 1 epochs")
        self.assertIn("give --epochs N, the new total, with 3 or more", self.spectral(*resume).stderr)
        self.assertEqual(self.json(*resume, "--epochs", "3")["epochs"], 3)


if __name__ == "__main__":
    unittest.main()
