"""Model files changed or made by another program; needs h5py."""

from __future__ import annotations

import sys
import unittest

from support import SKIPPED, CliCase, h5py

if h5py is not None:
    import numpy as np


class ChangedFiles(CliCase):
    def setUp(self) -> None:
        super().setUp()
        self.train("run.h5", "--epochs", "1")
        self.path = self.folder / "run.h5"

    def test_another_programs_file(self) -> None:
        with h5py.File(self.folder / "other.h5", "w") as file:
            file["weight"] = [1.0, 2.0]
        self.assert_refused("eval", "other.h5", naming="other.h5: / has no attribute encoding-type")
        with h5py.File(self.folder / "other.h5", "a") as file:
            file.attrs["encoding-type"] = np.bytes_("anndata")
        self.assert_refused("eval", "other.h5", naming="'anndata'")
        with h5py.File(self.folder / "other.h5", "a") as file:
            file.attrs["encoding-type"] = "anndata"  # a text of variable length
        self.assert_refused("eval", "other.h5", naming="encoding-type")

    def test_schema_versions(self) -> None:
        accepting = {"1.0.0": True, "1.9.3": True, "2.0.0": False, "10.0.0": False, "x": False}
        for version, accepted in accepting.items():
            with h5py.File(self.path, "a") as file:
                file.attrs["encoding-version"] = np.bytes_(version)
            for reader in (("inspect",), ("eval",),
                           ("train", "--epochs", "9", "--out", "on.h5", "--force", "--resume")):
                with self.subTest(version, reader=reader):
                    if accepted:
                        self.succeed(*reader, "run.h5")
                    else:
                        self.assert_refused(*reader, "run.h5", naming=f"schema version {version}"
                                            if version != "x" else "schema version 'x'")

    def test_unknown_extras_are_ignored(self) -> None:
        before = self.json("eval", "run.h5")["test_loss"]
        with h5py.File(self.path, "a") as file:
            file.attrs["remark"] = "looks good"
            file["notes/more"] = [1, 2, 3]
            file["checkpoint"].attrs["mood"] = 3
        self.assertEqual(self.json("eval", "run.h5")["test_loss"], before)

    def test_resume_of_an_exported_or_incomplete_file(self) -> None:
        with h5py.File(self.path, "a") as file:
            del file["checkpoint/optimiser/003_adam_v_0"]
        self.assert_refused("train", "--resume", "run.h5", "--epochs", "9", naming="optimiser")
        with h5py.File(self.path, "a") as file:
            del file["checkpoint"]
        self.assertIsNone(self.json("inspect", "run.h5")["checkpoint"])
        self.json("eval", "run.h5")
        self.assert_refused("train", "--resume", "run.h5", naming="run.h5: holds an exported model")

    def test_changed_weight(self) -> None:
        with h5py.File(self.path, "a") as file:
            file["layers/000_purefft/pool"][0, 0] += 1
        self.assert_refused("eval", "run.h5", naming="pool")

    def test_missing_parts(self) -> None:
        whole = self.path.read_bytes()
        for part in ("layers/000_purefft/pool", "layers/000_purefft", "layers", "history", "provenance"):
            self.path.write_bytes(whole)
            with h5py.File(self.path, "a") as file:
                del file[part]
            with self.subTest(part):
                self.assert_refused("eval", "run.h5", naming=part.split("/")[0].rstrip("s"))


if __name__ == "__main__":
    if h5py is None:
        print("skipped: no Python with h5py; set SPECTRAL_PYTHON to one before configuring")
        sys.exit(SKIPPED)
    unittest.main()
