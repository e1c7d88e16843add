"""Weights that other programs wrote: read, compressed, shown and exported; and hostile ones refused."""

from __future__ import annotations

import json
import struct
import sys
import unittest
from pathlib import Path

from support import SKIPPED, CliCase, h5py

try:
    import numpy as np
except ImportError:
    np = None

RESOURCES = Path(__file__).resolve().parents[2] / "resources"


def write_safetensors(path: Path, tensors: dict, metadata: dict | None = None) -> None:
    """By the format's description, with the tensors' own types."""
    names = {"float32": "F32", "float16": "F16", "float64": "F64", "int64": "I64"}
    header, values = ({"__metadata__": metadata} if metadata else {}), b""
    for name, tensor in tensors.items():
        first, values = len(values), values + tensor.tobytes()
        header[name] = {"dtype": names[str(tensor.dtype)], "shape": tensor.shape, "data_offsets": [first, len(values)]}
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + values)


def read_safetensors(path: Path) -> tuple[dict, dict]:
    """By the format's description, with nothing of the program under test: values and metadata."""
    data = path.read_bytes()
    start = 8 + struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:start])
    metadata, read, end = header.pop("__metadata__", {}), {}, 0
    for name, each in header.items():
        first, last = each["data_offsets"]
        assert (each["dtype"], first) == ("F32", end), name
        read[name], end = np.frombuffer(data[start + first:start + last], "<f4").reshape(each["shape"]), last
    assert start % 8 == 0 and start + end == len(data)
    return read, metadata


def smooth(*shape: int):
    """Weights that a few frequencies describe, and a little noise."""
    noise = np.random.default_rng(1).normal(size=shape) * 0.01
    return (noise + np.cos(sum(np.ogrid[tuple(slice(0, 3, complex(0, n)) for n in shape)]))).astype("f4")


def weights() -> dict:
    return {"encoder.0.weight": smooth(96, 128), "encoder.0.bias": smooth(96), "head.weight": smooth(10, 96).astype("f2"),
            "scale": np.float32([2.0]), "steps": np.int64([3])}


class Safetensors(CliCase):
    def setUp(self) -> None:
        super().setUp()
        self.tensors = weights()
        write_safetensors(self.folder / "weights.safetensors", self.tensors, {"format": "pt"})

    def test_inspect(self) -> None:
        seen = self.json("inspect", "weights.safetensors")
        self.assertEqual(seen["format"], "safetensors")
        self.assertEqual(
            {each["name"]: each["shape"] for each in seen["tensors"]},
            {"encoder.0/weight": [96, 128], "encoder.0/bias": [96], "head/weight": [10, 96], "tensors/scale": [1]})
        spectra = {each["name"]: each["spectrum"] for each in seen["tensors"]}
        self.assertGreater(spectra["encoder.0/weight"]["energy_in_lowest_tenth"], 0.9)
        self.assertLess(spectra["encoder.0/weight"]["effective_rank"], 3)
        self.assertLess(spectra["encoder.0/weight"]["entropy"], 0.5)
        quick = self.json("inspect", "weights.safetensors", "--quick")
        self.assertEqual({str(each["spectrum"]) for each in quick["tensors"]}, {"None"})
        run = self.succeed("inspect", "weights.safetensors")
        self.assertIn("left out, as no weights: steps (I64)", run.stderr)
        self.assertIn("encoder.0/weight", run.stdout)

    def test_many_tensors_left_out_are_counted(self) -> None:
        steps = {f"step.s{i}": np.int64([i]) for i in range(30)}
        write_safetensors(self.folder / "steps.safetensors", {"w": smooth(3)} | steps)
        self.assertRegex(self.succeed("inspect", "steps.safetensors").stderr, r"step.s0 \(I64\).* and 10 more\n$")

    def test_the_format_is_told_by_content(self) -> None:
        (self.folder / "weights.safetensors").rename(self.folder / "weights.h5")
        self.assertEqual(self.json("inspect", "weights.h5")["format"], "safetensors")

    def test_compress(self) -> None:
        result = self.json("compress", "weights.safetensors", "--ratio", "4", "--out", "small.h5")
        self.assertGreaterEqual(result["ratio"], 4)
        seen = self.json("inspect", "small.h5")
        self.assertEqual([each["name"] for each in seen["tensors"]], [each["name"] for each in result["tensors"]])
        self.assertGreater(seen["tensors"][0]["spectrum"]["energy_in_lowest_tenth"], 0.9)
        with self.subTest("read with h5py alone"):
            if h5py is None:
                self.skipTest("no h5py")
            sys.path.insert(0, str(RESOURCES))
            from read_model import read_model

            read = read_model(self.folder / "small.h5")
            told = {each["name"]: each["relative_error"] for each in result["tensors"]}
            for name, tensor in self.tensors.items():
                if name == "steps":
                    continue
                layer, _, leaf = name.rpartition(".")
                path = f"{layer or 'tensors'}/{leaf}"
                error = np.linalg.norm(read[path] - tensor.astype("f8")) / np.linalg.norm(tensor.astype("f8"))
                self.assertAlmostEqual(error, told[path], delta=2e-3)

    def test_tradeoff(self) -> None:
        curves = self.json("tradeoff", "weights.safetensors", "--out", "curves.csv")["curves"]
        self.assertIn("encoder.0/weight", {curve["tensor"] for curve in curves})

    def test_export(self) -> None:
        self.json("compress", "weights.safetensors", "--ratio", "4", "--out", "small.h5")
        for source in ("weights.safetensors", "small.h5"):
            with self.subTest(source):
                told = self.json("export", source, "--out", "out.safetensors", "--force")
                self.assertEqual(told["file_bytes"], (self.folder / "out.safetensors").stat().st_size)
                read, metadata = read_safetensors(self.folder / "out.safetensors")
                self.assertEqual(metadata["format"], "pt")
                self.assertIn("Spectral Workbench", metadata["producer"])
                self.assertEqual(set(read), set(self.tensors) - {"steps"})
                for name, tensor in read.items():
                    if source == "weights.safetensors":
                        np.testing.assert_array_equal(tensor, self.tensors[name].astype("f4"))
                    else:
                        self.assertEqual(tensor.shape, self.tensors[name].shape)
                        error = np.linalg.norm(tensor - self.tensors[name].astype("f8"))
                        self.assertLess(error / np.linalg.norm(self.tensors[name].astype("f8")), 0.1)
        with self.subTest("read by the format's own library"):
            try:
                from safetensors.numpy import load_file
            except ImportError:
                self.skipTest("no safetensors package")
            for name, tensor in load_file(self.folder / "out.safetensors").items():
                np.testing.assert_array_equal(tensor, read[name])

    def test_export_of_a_trained_model(self) -> None:
        self.train("run.h5", "--epochs", "1")
        self.json("export", "run.h5", "--out", "run.safetensors")
        read, metadata = read_safetensors(self.folder / "run.safetensors")
        self.assertEqual(json.loads(metadata["config_json"])["model"], "purefft")
        shown = {each["name"].replace("/", "."): each["shape"] for each in self.json("inspect", "run.h5")["tensors"]}
        self.assertEqual({name: list(tensor.shape) for name, tensor in read.items()}, shown)

    def test_export_replaces_nothing_unasked(self) -> None:
        self.assert_refused("export", "weights.safetensors", "--out", "weights.safetensors", naming="exists already")
        (self.folder / "notes.txt").write_text("mine")
        self.assert_refused("export", "weights.safetensors", "--out", "notes.txt", "--force", naming="notes.txt")
        self.assert_refused("export", "missing.h5", "--out", "out.safetensors", naming="missing.h5")

    def test_no_data_can_judge_it(self) -> None:
        data = ("--dataset", "tones", "--train-samples", "500", "--test-samples", "100")
        for command in (("compress", "weights.safetensors", "--ratio", "4", "--out", "small.h5"),
                        ("tradeoff", "weights.safetensors", "--out", "curves.csv")):
            self.assert_refused(*command, *data, naming="not the network that they belong to")
        self.json("compress", "weights.safetensors", "--ratio", "4", "--out", "small.h5")
        self.assert_refused("eval", "small.h5", naming="not the network that they belong to")

    def test_values_that_are_not_finite_are_named(self) -> None:
        self.tensors["encoder.0.weight"][3, 17] = np.nan
        write_safetensors(self.folder / "nan.safetensors", self.tensors)
        self.assert_refused("compress", "nan.safetensors", "--ratio", "4", "--out", "small.h5",
                            naming="tensor 'encoder.0/weight'")

    def test_hostile_files_write_nothing(self) -> None:
        whole = (self.folder / "weights.safetensors").read_bytes()
        length = struct.unpack("<Q", whole[:8])[0]
        header = json.loads(whole[8:8 + length])
        name = "encoder.0.weight"

        def changed(**fields: object) -> bytes:
            text = json.dumps(header | {name: header[name] | fields}).encode()
            return struct.pack("<Q", len(text)) + text + whole[8 + length:]

        for data, naming in (
            (whole[:-1], "bytes"),
            (whole[:100], "no other format"),
            (whole + b"x", "bytes of values"),
            (struct.pack("<Q", 1 << 40) + whole[8:], "no other format"),
            (changed(shape=[1 << 62, 1 << 62]), name),
            (changed(shape=[96, 127]), name),
            (changed(dtype="I3"), name),
            (changed(data_offsets=[4, 49156]), "hole of 4 bytes"),
            (b"", "no other format"),
        ):
            with self.subTest(naming, bytes=len(data)):
                (self.folder / "hostile.safetensors").write_bytes(data)
                for command in (("compress", "hostile.safetensors", "--ratio", "4", "--out", "small.h5"),
                                ("tradeoff", "hostile.safetensors", "--out", "curves.csv"),
                                ("inspect", "hostile.safetensors")):
                    self.assert_refused(*command, naming=naming)


class NumpyFiles(CliCase):
    def test_an_order_of_rows_and_columns_is_stored_where_it_pays(self) -> None:
        rng = np.random.default_rng(0)
        rows, columns = np.linspace(0, 3, 64)[:, None], np.linspace(0, 2, 50)[None]
        ordered = (np.sin(3 * rows * columns) + np.cos(rows + 2 * columns)).astype("f4")
        errors = {}
        for name, values in {"ordered": ordered, "mixed": ordered[rng.permutation(64)][:, rng.permutation(50)]}.items():
            np.save(self.folder / f"{name}.npy", values)
            for order in ("none", "rows", "columns", "both"):
                with self.subTest(name, order=order):
                    result = self.json("compress", f"{name}.npy", "--bytes", "4KiB", "--method", "dct", "--order", order,
                                       "--out", "small.h5", "--force")["tensors"][0]
                    errors[name, order] = result["relative_error"]
                    self.assertEqual(result["order"], order if name == "mixed" else "none")
                    self.succeed("export", "small.h5", "--out", "dense.safetensors", "--force")
                    (stored,) = read_safetensors(self.folder / "dense.safetensors")[0].values()
                    error = np.linalg.norm(stored - values) / np.linalg.norm(values)
                    self.assertAlmostEqual(error, result["relative_error"], delta=1e-3)
        self.assertLess(errors["mixed", "both"], 0.3 * errors["mixed", "none"])

    def test_one_array(self) -> None:
        weight = smooth(96, 128)
        for name, array in (("w.npy", weight), ("columns.npy", np.asfortranarray(weight)),
                            ("swapped.npy", weight.astype(">f8")), ("half.npy", weight.astype("f2"))):
            with self.subTest(name):
                np.save(self.folder / name, array)
                self.json("export", name, "--out", "out.safetensors", "--force")
                read, _ = read_safetensors(self.folder / "out.safetensors")
                np.testing.assert_array_equal(read[name.removesuffix(".npy")], array.astype("f4"))
        self.json("compress", "w.npy", "--ratio", "4", "--out", "small.h5")
        self.assertEqual([each["name"] for each in self.json("inspect", "small.h5")["tensors"]], ["tensors/w"])

    def test_archives(self) -> None:
        arrays = {"enc/w": smooth(96, 128), "b": smooth(96), "steps": np.int64(7), "names": np.array(["a", "b"])}
        for save in (np.savez, np.savez_compressed):
            with self.subTest(save.__name__):
                save(self.folder / "w.npz", **arrays)
                seen = self.json("inspect", "w.npz")
                self.assertEqual(seen["format"], "npz")
                self.assertEqual([each["name"] for each in seen["tensors"]], ["enc/w", "tensors/b"])
                self.assertEqual(seen["skipped"], ["steps (<i8)", "names (<U1)"])
                self.json("compress", "w.npz", "--ratio", "4", "--out", "small.h5", "--force")

    def test_hostile_files_write_nothing(self) -> None:
        np.save(self.folder / "objects.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
        np.savez(self.folder / "objects.npz", w=np.array([print], dtype=object))
        np.save(self.folder / "fields.npy", np.zeros(2, [("a", "f4"), ("b", "i4")]))
        np.save(self.folder / "complex.npy", np.zeros(2, "c8"))
        np.save(self.folder / "good.npy", smooth(4, 5))
        whole = (self.folder / "good.npy").read_bytes()
        (self.folder / "short.npy").write_bytes(whole[:-1])
        (self.folder / "huge.npy").write_bytes(whole.replace(b"(4, 5)", b"(4, 5" + b"0" * 14 + b")").replace(b" " * 14, b"", 1))
        for name, naming in (("objects.npy", "never unpickled"), ("objects.npz", "never unpickled"),
                             ("fields.npy", "several fields"), ("complex.npy", "'<c8'"), ("short.npy", "are fewer"),
                             ("huge.npy", "are fewer")):
            with self.subTest(name):
                self.assert_refused("compress", name, "--ratio", "4", "--out", "small.h5", naming=naming)
                self.assert_refused("inspect", name, naming=naming)


@unittest.skipIf(h5py is None, "no h5py")
class Hdf5Files(CliCase):
    KERAS_3 = {"layers/dense/vars/0": (256, 32), "layers/dense/vars/1": (32,), "layers/dense_1/vars/0": (32, 10)}
    LEGACY = {"model_weights/dense/dense/kernel:0": (256, 32), "model_weights/dense/dense/bias:0": (32,)}

    def write(self, name: str, tensors: dict, **options: object) -> None:
        with h5py.File(self.folder / name, "w") as file:
            for path, shape in tensors.items():
                file.create_dataset(path, data=smooth(*shape), **options)

    def test_weights_of_keras(self) -> None:
        self.write("model.weights.h5", self.KERAS_3, compression="gzip", shuffle=True)
        with h5py.File(self.folder / "model.weights.h5", "a") as file:
            file["_layer_checkpoint_dependencies/dense/vars/0"] = smooth(4, 4).astype("f8")
            file["seed_generator/vars/0"] = np.uint32([1, 2])
            file["optimizer/vars/0"] = smooth(64, 32)
            file.create_group("layers/dropout/vars")
            file["layers/dense"].attrs["name"] = "dense"  # a text of variable length
        seen = self.json("inspect", "model.weights.h5")
        self.assertEqual(seen["format"], "hdf5")
        self.assertEqual({each["name"]: tuple(each["shape"]) for each in seen["tensors"]},
                         self.KERAS_3 | {"_layer_checkpoint_dependencies/dense/vars/0": (4, 4)})
        self.assertEqual(seen["skipped"], ["optimizer (the optimiser's state)", "seed_generator/vars/0 (no floats)"])

        self.write("legacy.h5", self.LEGACY)
        with h5py.File(self.folder / "legacy.h5", "a") as file:
            file["model_weights"].attrs["layer_names"] = np.array([b"dense"])
        for name, weights_ in (("model.weights.h5", self.KERAS_3), ("legacy.h5", self.LEGACY)):
            with self.subTest(name):
                self.json("export", name, "--out", "out.safetensors", "--force")
                read, _ = read_safetensors(self.folder / "out.safetensors")
                for path, shape in weights_.items():
                    layer, _, leaf = path.rpartition("/")
                    np.testing.assert_array_equal(read[f"{layer}.{leaf}"], smooth(*shape))
                result = self.json("compress", name, "--ratio", "2", "--out", "small.h5", "--force")
                self.assertGreaterEqual(result["ratio"], 2)

    def test_hostile_files_write_nothing(self) -> None:
        np.save(self.folder / "raw.npy", smooth(8, 8))

        def linked(file: h5py.File) -> None:
            file["weight"] = h5py.ExternalLink("other.h5", "/weight")

        def soft(file: h5py.File) -> None:
            file["a"] = smooth(4)
            file["weight"] = h5py.SoftLink("/a")

        def circle(file: h5py.File) -> None:
            file.create_group("a")["b"] = file["/"]

        def external(file: h5py.File) -> None:
            file.create_dataset("weight", (8, 8), "f4", external=[("raw.npy", 0, 256)])

        def bomb(file: h5py.File) -> None:
            file.create_dataset("weight", (1 << 30, 1 << 10), "f4", chunks=(1 << 10, 1 << 10))

        def filtered(file: h5py.File) -> None:
            file.create_dataset("weight", data=smooth(64), compression="lzf")

        def swapped(file: h5py.File) -> None:
            file["weight"] = smooth(8).astype(">f4")

        def virtual(file: h5py.File) -> None:
            layout = h5py.VirtualLayout((8,), "f4")
            layout[:] = h5py.VirtualSource("other.h5", "weight", (8,))
            file.create_virtual_dataset("weight", layout)

        def too_large(file: h5py.File) -> None:
            file["weight"] = np.array([1, -1e300])

        for spoil, naming in ((linked, "no plain entry"), (soft, "no plain entry"), (circle, "circle"),
                              (external, "another file"), (bomb, "promises more"), (filtered, "filter"),
                              (swapped, "little-endian"), (virtual, "virtual"), (too_large, "number 1 is -1e+300")):
            with self.subTest(spoil.__name__):
                with h5py.File(self.folder / "hostile.h5", "w") as file:
                    spoil(file)
                for command in (("compress", "hostile.h5", "--ratio", "4", "--out", "small.h5"),
                                ("export", "hostile.h5", "--out", "out.safetensors"), ("inspect", "hostile.h5")):
                    self.assert_refused(*command, naming=naming)
        self.write("cut.h5", self.KERAS_3)
        whole = (self.folder / "cut.h5").read_bytes()
        for share in (0.1, 0.5, 0.9):
            (self.folder / "cut.h5").write_bytes(whole[:int(len(whole) * share)])
            self.assert_refused("inspect", "cut.h5", naming="cut.h5")


if __name__ == "__main__":
    if np is None:
        print("skipped: no NumPy")
        sys.exit(SKIPPED)
    unittest.main()
