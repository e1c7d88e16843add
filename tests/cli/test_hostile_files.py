"""Compressed models that were tampered with, and weights that cannot be compressed: refused, nothing written."""

from __future__ import annotations

import hashlib
import json
import sys
import unittest

from support import SKIPPED, CliCase, h5py

if h5py is not None:
    import numpy as np

TENSOR = "layers/000_tensors/w"


def rehash(data: h5py.Dataset) -> None:
    """The hash of what is there now: damage must be found without it."""
    data.attrs["sha256"] = np.bytes_(hashlib.sha256(data[()].tobytes()).hexdigest())


class HostileFiles(CliCase):
    def setUp(self) -> None:
        super().setUp()
        grid = np.add.outer(np.linspace(0, 3, 30), np.linspace(0, 5, 40))
        np.save(self.folder / "w.npy", np.cos(grid).astype("f4"))

    def assert_spoiled_is_refused(self, how: tuple[str, ...], spoil: object, naming: str) -> None:
        self.json("compress", "w.npy", "--out", "small.h5", "--force", *how)
        with h5py.File(self.folder / "small.h5", "a") as file:
            spoil(file[TENSOR])
        for command in (("inspect", "small.h5"), ("export", "small.h5", "--out", "out.safetensors"),
                        ("compress", "small.h5", "--ratio", "2", "--out", "smaller.h5")):
            self.assert_refused(*command, naming=naming)

    def test_sparse_spectra(self) -> None:
        def indices(change: object) -> object:
            def spoil(group: h5py.Group) -> None:
                data = group["indices"]
                values = data[()]
                change(values)
                data[...] = values
                rehash(data)

            return spoil

        def unsorted(values: np.ndarray) -> None:
            values[:2] = values[1::-1]

        def outside(values: np.ndarray) -> None:
            values[-1] = 30 * 21

        def attribute(name: str, value: object) -> object:
            return lambda group: group.attrs.modify(name, value)

        def fewer(group: h5py.Group) -> None:
            values = group["values"][:-1]
            attributes = dict(group["values"].attrs)
            del group["values"]
            rehashed = group.create_dataset("values", data=values)
            rehashed.attrs.update(attributes)
            rehash(rehashed)

        for spoil, naming in ((indices(unsorted), "do not ascend"), (indices(outside), "below the number of coefficients"),
                              (attribute("error_rel_fro", np.nan), "relative error"),
                              (attribute("error_rel_fro", -1.0), "relative error"),
                              (attribute("shape", np.int64([1 << 40, 1 << 40])), TENSOR),
                              (attribute("shape", np.int64([30, -40])), TENSOR),
                              (attribute("axes", np.int64([1, 0])), "axes"),
                              (attribute("norm", np.bytes_(b"none!")), "norm"), (fewer, "another number of values")):
            with self.subTest(naming):
                self.assert_spoiled_is_refused(("--keep", "0.02", "--method", "fft", "--index", "flat-u32"), spoil,
                                               naming)

    def test_packed_bytes(self) -> None:
        def header(**changes: object) -> object:
            def spoil(data: h5py.Dataset) -> None:
                fields = json.loads(data.attrs["packing_json"])
                for name, value in changes.items():
                    (fields["lists"][0] if name in fields["lists"][0] else fields)[name] = value
                data.attrs["packing_json"] = np.bytes_(json.dumps(fields).encode())

            return spoil

        def no_json(data: h5py.Dataset) -> None:
            data.attrs["packing_json"] = np.bytes_(b"{" * 1000)

        for spoil, naming in ((header(count=10**6), "coefficients"), (header(count=-1), "coefficients"),
                              (header(count=2**63), "too large"), (header(index_bytes=10**9), "are promised"),
                              (header(shape=[1 << 31, 1 << 31]), "coefficients"), (header(scale=0), "scale"),
                              (header(error_rel_fro=None), "error_rel_fro"), (header(basis="random"), "unknown"),
                              (header(axes=[5]), "axes"), (no_json, "packing_json")):
            with self.subTest(naming):
                self.assert_spoiled_is_refused(("--keep", "0.02", "--method", "fft-int8"), spoil, naming)

    def test_storage(self) -> None:
        (self.folder / "raw").write_bytes(bytes(4096))

        def replaced(**options: object) -> object:
            def spoil(tensor: h5py.Dataset) -> None:
                group, attributes = tensor.parent, dict(tensor.attrs)
                del group["w"]
                group.create_dataset("w", **options).attrs.update(attributes)

            return spoil

        def linked(tensor: h5py.Dataset) -> None:
            group = tensor.parent
            del group["w"]
            group["w"] = h5py.ExternalLink("other.h5", "/w")

        for spoil, naming in ((replaced(shape=(100,), dtype="u1", external=[("raw", 0, 100)]), "another file"),
                              (replaced(data=np.zeros(100, "u1"), compression="lzf"), "filter"),
                              (replaced(shape=(1 << 40,), dtype="u1", chunks=(1 << 20,)), "promises more"),
                              (replaced(data=np.zeros(100, "u1")), "SHA-256"), (linked, "no plain entry")):
            with self.subTest(naming):
                self.assert_spoiled_is_refused(("--max-error", "0.5", "--method", "int8"), spoil, naming)

    def test_weights_that_cannot_be_compressed(self) -> None:
        arrays = {"scalar": (np.float32(3), "no tensors to compress"), "empty": (np.zeros((0, 3), "f4"), "no tensors"),
                  "rank9": (np.ones((1,) * 9, "f4"), "rank is above 8"),
                  "infinite": (np.array([[1, np.inf]], "f4"), "the value at [0, 1] is inf"),
                  "nan": (np.array([[1], [np.nan]], "f4"), "the value at [1, 0] is nan"),
                  "huge": (np.full((40, 40), 3e38, "f4"), "so large")}
        for name, (array, naming) in arrays.items():
            with self.subTest(name):
                np.save(self.folder / f"{name}.npy", array)
                for how in (("--ratio", "2"), ("--max-error", "0.1"), ("--keep", "0.1", "--method", "fft")):
                    self.assert_refused("compress", f"{name}.npy", *how, "--out", "small.h5", naming=naming)
        for name, array in {"zeros": np.zeros((64, 64), "f4"), "constant": np.full((64, 64), 2.5, "f4"),
                            "tiny": np.full((64, 64), 1e-40, "f4")}.items():
            with self.subTest(name):
                np.save(self.folder / f"{name}.npy", array)
                result = self.json("compress", f"{name}.npy", "--ratio", "3", "--out", "small.h5", "--force")
                self.assertGreaterEqual(result["ratio"], 3)
                self.assertLess(result["tensors"][0]["relative_error"], 1e-2)
                self.json("inspect", "small.h5")
                self.assert_refused("compress", f"{name}.npy", "--bytes", "100", "--out", "small.h5", "--force",
                                    naming="the smallest has")


if __name__ == "__main__":
    if h5py is None:
        print("skipped: no h5py")
        sys.exit(SKIPPED)
    unittest.main()
