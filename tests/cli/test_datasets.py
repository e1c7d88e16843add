"""Data sets out of files that other programs wrote, as the command line trains on them."""

from __future__ import annotations

import io
import math
import os
import struct
import tarfile
import unittest
import wave
import zlib
from collections.abc import Callable
from pathlib import Path

from pictures import jpeg, png
from support import CliCase, h5py

try:
    import numpy as np
except ImportError:
    np = None


class Text(CliCase):
    def test_trains_and_tells_bits(self) -> None:
        (self.folder / "some.txt").write_text("the same words, again and again; " * 60, encoding="utf-8")
        of_text = ("--dataset", "text", "--data", "some.txt", "--context", "8", "--stride", "1")
        result = self.json("train", "--model", "mlp", *of_text, "--epochs", "8", "--out", "run.h5", "--log", "log")
        self.assertAlmostEqual(result["test_bits_per_character"], result["test_loss"] / math.log(2), places=12)
        self.assertLess(result["test_bits_per_character"], 1)  # chance: 3.9
        told = self.json("eval", "run.h5")
        self.assertEqual(told["test_bits_per_character"], result["test_bits_per_character"])
        self.assertIn('"test_bits_per_character":', (self.folder / "log").read_text(encoding="utf-8"))
        self.assertIn("bits per character", self.succeed("eval", "run.h5").stdout)
        self.assertEqual(self.json("inspect", "run.h5")["config"]["dataset_options"]["context"], 8)

    def test_bytes(self) -> None:
        (self.folder / "some.bin").write_bytes(bytes(range(256)) * 4)
        of_bytes = ("--dataset", "text", "--data", "some.bin", "--unit", "byte")
        result = self.json("train", "--model", "logistic", "--features", "tokens", *of_bytes, "--epochs", "1")
        self.assertIn("test_bits_per_byte", result)
        self.assertNotIn("test_bits_per_character", result)

    def test_what_is_refused(self) -> None:
        (self.folder / "latin.txt").write_bytes("très court ".encode("latin-1") * 100)
        (self.folder / "short.txt").write_text("a" * 17, encoding="utf-8")
        for name, naming in {"latin.txt": "latin.txt: is no UTF-8: byte 2", "short.txt": "short.txt: is too short",
                             ".": ".: is a directory, and a file is needed", "none.txt": "none.txt: no such file"}.items():
            with self.subTest(name):
                self.assert_refused("train", "--dataset", "text", "--data", name, naming=naming)
        self.assert_refused("train", "--dataset", "text", naming="is read from a text file, and none was given")
        self.assert_refused("train", "--dataset", "text", "--data", "short.txt", "--context", "0",
                            naming="--context: 0 is out of range")
        self.assert_refused("train", "--dataset", "speech", "--data", ".", "--seconds", "0.01",
                            naming="--seconds: 80 samples are fewer")


def recording(digit: int, index: int, rate: int = 8000, channels: int = 1, width: int = 2) -> bytes:
    """A tone whose frequency tells the digit, written by Python's own module."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(width)
        writer.setframerate(rate)
        frames = []
        for n in range(rate // 10 + 7 * index):
            value = math.sin(2 * math.pi * (300 + 300 * digit) * n / rate + index) / 2
            stored = round(value * (2 ** (8 * width - 1) - 1)) + (128 if width == 1 else 0)
            frames.append(stored.to_bytes(width, "little", signed=width > 1) * channels)
        writer.writeframes(b"".join(frames))
    return file.getvalue()


class Speech(CliCase):
    OPTIONS = ("--seconds", "0.1", "--window", "64", "--hop", "64", "--epochs", "30", "--learning-rate", "0.01",
               "--features", "raw")

    def write(self, **format: int) -> Path:
        folder = self.folder / "spoken"
        folder.mkdir(exist_ok=True)
        for digit in range(10):
            for index in (0, 5, 6, 11):
                (folder / f"{digit}_somebody_{index}.wav").write_bytes(recording(digit, index, **format))
        return folder

    def learn(self, path: Path) -> dict:
        return self.json("train", "--model", "logistic", "--dataset", "speech", "--data", path, *self.OPTIONS)

    def test_directory_and_archives_give_the_same(self) -> None:
        folder = self.write()
        of_folder = self.learn(folder)
        self.assertGreaterEqual(of_folder["test_accuracy"], 0.9)
        for mode, form in (("w", tarfile.USTAR_FORMAT), ("w:gz", tarfile.GNU_FORMAT), ("w:gz", tarfile.PAX_FORMAT)):
            with self.subTest(mode, form=form):
                archive = self.folder / "spoken.archive"
                with tarfile.open(archive, mode, format=form) as writer:
                    writer.add(folder, "Ordner/größer als gedacht " * 6)
                self.assertEqual(self.learn(archive)["test_loss"], of_folder["test_loss"])

    def test_rates_channels_and_widths(self) -> None:
        for format in ({"rate": 44100}, {"rate": 11025, "channels": 2}, {"width": 1}, {"width": 3}, {"width": 4}):
            with self.subTest(**format):
                self.assertGreaterEqual(self.learn(self.write(**format))["test_accuracy"], 0.9)

    def test_waveforms(self) -> None:
        # Cut to 0.05 s and padded to 0.2 s: the model sees samples, as many as were asked for.
        for seconds, samples in (("0.05", 400), ("0.2", 1600)):
            with self.subTest(seconds):
                result = self.json("train", "--model", "audio-spectral", "--dataset", "speech", "--data", self.write(),
                                   "--representation", "waveform", "--seconds", seconds, "--blocks", "3",
                                   "--channels", "8", "--pooling", "max", "--epochs", "30", "--learning-rate", "0.01",
                                   "--out", "run.h5", "--force")
                self.assertGreaterEqual(result["test_accuracy"], 0.5)  # chance: 0.1
                self.assertEqual(self.json("eval", "run.h5")["test_loss"], result["test_loss"])
                self.assertEqual(self.json("inspect", "run.h5")["tensors"][0]["shape"][-2], samples // 2 + 1)

    def test_what_is_refused(self) -> None:
        folder = self.write()
        sound = recording(1, 5)
        float_64 = struct.pack("<d", math.nan)
        for content, naming in {
            b"": "is no WAV file", sound[:100]: "is truncated", sound[:44]: "is truncated",
            sound.replace(struct.pack("<I", 8000), struct.pack("<I", 7), 1): "its rate of 7 ",
            b"RIFF" + struct.pack("<I", 44) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 3, 1, 8000, 64000, 8, 64)
            + b"data" + struct.pack("<I", 8) + float_64: "sample 0 is nan",
        }.items():
            with self.subTest(naming):
                (folder / "1_somebody_5.wav").write_bytes(content)
                self.assert_refused("train", "--dataset", "speech", "--data", folder,
                                    naming=f"{folder}/1_somebody_5.wav: {naming}")
        self.assert_refused("train", "--dataset", "speech", "--data", "none.tar.gz", naming="none.tar.gz: there is no")
        (self.folder / "none.tar.gz").write_bytes(b"\x1f\x8b\x08" + bytes(30))
        self.assert_refused("train", "--dataset", "speech", "--data", "none.tar.gz", naming="none.tar.gz: the gzip data")

    @unittest.skipUnless(os.environ.get("SPECTRAL_DATA"), "SPECTRAL_DATA is not set")
    def test_real_recordings(self) -> None:
        result = self.json("train", "--model", "logistic", "--features", "raw", "--epochs", "5", "--dataset", "speech",
                           "--data", Path(os.environ["SPECTRAL_DATA"]) / "speech/fsdd.tar.gz")
        self.assertGreater(result["test_accuracy"], 0.8)


class Cifar10(CliCase):
    def test_trains_on_batches(self) -> None:
        folder = self.folder / "cifar-10-batches-bin"
        folder.mkdir()
        for name in [f"data_batch_{i}.bin" for i in range(1, 6)] + ["test_batch.bin"]:
            records = [bytes([i % 10]) + bytes(250 * (j // 300 == i % 10) for j in range(3072)) for i in range(20)]
            (folder / name).write_bytes(b"".join(records))
        for colour in ("rgb", "grey"):
            result = self.json("train", "--model", "mlp", "--dataset", "cifar10", "--data", folder, "--epochs", "8",
                               "--batch", "20", "--colour", colour)
            self.assertEqual(result["test_accuracy"], 1)
        self.assert_refused("train", "--dataset", "cifar10", "--data", folder, "--features", "rfft2_magnitude",
                            naming="not two-dimensional")
        (folder / "data_batch_4.bin").write_bytes(bytes(3074))
        self.assert_refused("train", "--dataset", "cifar10", "--data", folder,
                            naming=f"{folder}/data_batch_4.bin: has 3074 bytes")


@unittest.skipIf(np is None, "no NumPy")
class Arrays(CliCase):
    NAMES = ("x_train", "y_train", "x_test", "y_test")
    LEARN = ("--model", "logistic", "--features", "raw", "--epochs", "10", "--learning-rate", "0.1")

    def arrays(self, features: str = "f4", labels: str = "i8") -> dict:
        """Three classes, each brighter in a place of its own."""
        rng = np.random.default_rng(1)
        found = {}
        for name, count in (("train", 61), ("test", 13)):
            y = np.arange(count) % 3
            x = rng.integers(0, 60, (count, 5, 3)) + 150 * (np.arange(3) == y[:, None, None])
            found["x_" + name] = (x if features[-2] in "iu" else x / 255).astype(features)
            found["y_" + name] = y.astype(labels)
        return found

    def learn(self, dataset: str, path: Path, *options: str) -> dict:
        return self.json("train", *self.LEARN, "--dataset", dataset, "--data", path, *options)

    def test_numpy_in_all_types(self) -> None:
        losses = []
        for features, labels in (("f4", "i8"), ("<f8", "u1"), ("f2", ">i4"), ("u1", "i2"), (">f4", "f8"), ("<i2", "u8")):
            with self.subTest(features, labels=labels):
                arrays = self.arrays(features, labels)
                np.savez(self.folder / "stored.npz", **arrays)
                np.savez_compressed(self.folder / "packed.npz", other=np.float32(1), **arrays)
                (self.folder / "rows").mkdir(exist_ok=True)
                for name, array in arrays.items():
                    np.save(self.folder / "rows" / name, np.asfortranarray(array))
                results = [self.learn("npy", self.folder / name) for name in ("stored.npz", "packed.npz", "rows")]
                self.assertEqual(len({each["test_loss"] for each in results}), 1)
                self.assertEqual(results[0]["test_accuracy"], 1)
                losses.append(results[0]["test_loss"])
        for loss in losses[1:-1]:  # the last has features of 0 to 255
            self.assertAlmostEqual(loss, losses[0], delta=1e-3)

    @unittest.skipIf(h5py is None, "no h5py")
    def test_hdf5(self) -> None:
        arrays = self.arrays()
        np.savez(self.folder / "set.npz", **arrays)
        expected = self.learn("npy", self.folder / "set.npz")["test_loss"]
        for chunks, kind in ((None, "i4"), ((7, 5, 3), "u2"), (None, "i1"), (None, "u8")):
            with h5py.File(self.folder / "set.h5", "w") as file:
                for name, array in arrays.items():
                    packed = {"chunks": chunks, "compression": "gzip"} if chunks and name[0] == "x" else {}
                    file.create_dataset("in/" + name, data=array.astype(kind) if name[0] == "y" else array, **packed)
            flags = [part for name, flag in zip(self.NAMES, ("--train-features", "--train-labels", "--test-features",
                                                             "--test-labels")) for part in (flag, "in/" + name)]
            self.assertEqual(self.learn("hdf5", self.folder / "set.h5", *flags)["test_loss"], expected)
        self.assert_refused("train", "--dataset", "hdf5", "--data", "set.h5", naming="set.h5: holds no array 'x_train', but ")

    def test_share_is_split_off(self) -> None:
        arrays = self.arrays()
        np.savez(self.folder / "set.npz", **{name: arrays[name] for name in self.NAMES[:2]})
        split = ("--test-features", "", "--test-labels", "", "--test-share", "0.2")
        result = self.learn("npy", self.folder / "set.npz", *split, "--out", "run.h5")
        self.assertEqual(self.json("eval", "run.h5")["samples"], 12)
        self.assertEqual(self.learn("npy", self.folder / "set.npz", *split)["test_loss"], result["test_loss"])
        self.assert_refused("train", "--dataset", "npy", "--data", "set.npz", naming="holds no array 'x_test'")
        self.assert_refused("train", "--dataset", "npy", "--data", "set.npz", "--test-labels", "",
                            naming="is empty, and 'x_test' names an array")

    def test_what_is_refused(self) -> None:
        sound = self.arrays()
        nan = sound["x_train"].copy()
        nan[3, 2, 1] = np.nan
        for change, naming in (
            ({"x_train": nan}, "array 'x_train' holds nan at place 52"),
            ({"x_train": sound["x_train"][:0]}, "array 'x_train' is empty"),
            ({"x_train": np.float32(1)}, "array 'x_train' is a single number"),
            ({"x_train": sound["x_train"].astype("c8")}, "array 'x_train': its values have the type '<c8'"),
            ({"x_train": np.array(["a"])}, "array 'x_train': its values have the type"),
            ({"y_train": sound["y_train"][1:]}, "array 'y_train' holds 60 labels, and there are 61 samples"),
            ({"y_train": -sound["y_train"]}, "array 'y_train' holds -1 at place 1"),
            ({"y_train": sound["y_train"] + 0.5}, "array 'y_train' holds 0.5 at place 0"),
            ({"y_train": sound["y_train"] * 5000}, "array 'y_train' holds 5000 at place 1"),
            ({"y_train": np.full(61, 2**64 - 1, "u8")}, "array 'y_train': value 18446744073709551615 at place 0"),
            ({"y_train": np.eye(3)[sound["y_train"]]}, "array 'y_train' has the shape 61 × 3"),
            ({"x_test": sound["x_test"][:, :4]}, "array 'x_test' holds samples of 4 × 3"),
            ({"y_test": sound["y_test"] + 1}, "array 'y_test' holds label 3"),
        ):
            with self.subTest(naming):
                np.savez(self.folder / "set.npz", **(sound | change))
                self.assert_refused("train", "--dataset", "npy", "--data", "set.npz", naming=f"set.npz: {naming}")
        (self.folder / "rows").mkdir()
        for name, array in sound.items():
            np.save(self.folder / "rows" / name, array)
        whole = (self.folder / "rows/x_train.npy").read_bytes()
        for content, naming in ((whole[:-1], "x_train.npy: "), (b"", "x_train.npy: it is truncated"), (None, "no such file")):
            (self.folder / "rows/x_train.npy").unlink()
            if content is not None:
                (self.folder / "rows/x_train.npy").write_bytes(content)
            self.assert_refused("train", "--dataset", "npy", "--data", "rows", naming=naming)
        self.assert_refused("train", "--dataset", "hdf5", "--data", "set.npz", naming="set.npz: is not an HDF5 file")
        self.assert_refused("train", "--dataset", "npy", "--data", "rows", "--train-features", "../rows/x_train",
                            naming="is no name of an array")


class Images(CliCase):
    CLASSES = {"dark": 20, "grey": 120, "light": 230}

    def write(self, folder: str, make: Callable[[int, int], bytes], ending: str) -> Path:
        for name, level in self.CLASSES.items():
            place = self.folder / folder / name
            place.mkdir(parents=True, exist_ok=True)
            for number in range(40):
                (place / f"{number}{ending}").write_bytes(make(level, number))
        return self.folder / folder

    def learn(self, path: Path, *options: str) -> dict:
        return self.json("train", "--model", "logistic", "--features", "raw", "--dataset", "images", "--data", path,
                         "--size", "16", "--test-share", "0.3", "--epochs", "20", "--batch", "16", "--learning-rate",
                         "0.02", *options)

    @staticmethod
    def grid(level: int, number: int) -> list[list[tuple[int]]]:
        return [[(level + (3 * x + 5 * y + number) % 20,) for x in range(2)] for y in range(2)]

    def test_png_and_jpeg_are_the_same_pixels(self) -> None:
        def as_png(level: int, number: int) -> bytes:
            blocks = self.grid(level, number)
            return png([[blocks[y // 8][x // 8] * 3 for x in range(16)] for y in range(16)])

        def as_grey_png(level: int, number: int) -> bytes:
            blocks = self.grid(level, number)
            return png([[blocks[y // 8][x // 8] for x in range(16)] for y in range(16)], colour_type=0)

        def as_colour_jpeg(level: int, number: int) -> bytes:
            return jpeg([[pixel + (128, 128) for pixel in row] for row in self.grid(level, number)])

        # The hash that tells train from test is of the whole name: the same for all of them.
        losses = set()
        for folder, make in (("png", as_png), ("grey", as_grey_png), ("jpeg", lambda *a: jpeg(self.grid(*a))),
                             ("colour", as_colour_jpeg)):
            result = self.learn(self.write(folder, make, ".png"))
            losses.add(result["test_loss"])
            self.assertGreater(result["test_accuracy"], 0.9)
        self.assertEqual(len(losses), 1)
        with tarfile.open(self.folder / "set.tar.gz", "w:gz") as archive:
            archive.add(self.folder / "png", "some/where")
        self.assertIn(self.learn(self.folder / "set.tar.gz")["test_loss"], losses)
        self.json("train", "--model", "logistic", "--features", "rfft2_magnitude", "--dataset", "images", "--data",
                  self.folder / "jpeg", "--colour", "grey", "--size", "7", "--epochs", "1")

    def test_split_holds_when_pictures_come(self) -> None:
        folder = self.write("set", lambda level, number: jpeg(self.grid(level, number)), ".jpg")
        self.learn(folder, "--out", "run.h5")
        before = self.json("eval", "run.h5")["samples"]
        self.assertTrue(20 <= before <= 52, before)
        (folder / "grey/more.jpg").write_bytes(jpeg(self.grid(120, 1)))
        self.learn(folder, "--out", "run.h5", "--force")
        self.assertIn(self.json("eval", "run.h5")["samples"], (before, before + 1))

    def test_what_is_refused(self) -> None:
        folder = self.write("set", lambda level, number: jpeg(self.grid(level, number)), ".jpeg")
        sound_png, sound_jpeg = png([[(1, 2, 3)] * 9] * 9), jpeg(self.grid(100, 1))
        large = bytearray(sound_png)
        large[16:24] = struct.pack(">II", 100_000, 100_000)
        large[29:33] = struct.pack(">I", zlib.crc32(large[12:29]))
        for content, naming in {
            b"": "is empty", b"GIF89a": "is neither PNG nor JPEG", sound_png[:-20]: "is damaged or truncated",
            sound_png[:20]: "is damaged or truncated", bytes(large): "has 100000 × 100000 pixels",
            sound_jpeg[:-4]: "is damaged or truncated", sound_jpeg[:100]: "is damaged or truncated",
            b"\xff\xd8\xff\xd9": "is damaged or truncated",
            sound_jpeg.replace(b"\xff\xc4", b"\xff\xc3", 1): "is damaged or truncated",
        }.items():
            with self.subTest(naming):
                (folder / "grey/0.jpeg").write_bytes(content)
                self.assert_refused("train", "--dataset", "images", "--data", folder,
                                    naming=f"{folder}/grey/0.jpeg: {naming}")
        self.assert_refused("train", "--dataset", "images", "--data", folder / "light", naming="lies in no folder")
        (self.folder / "none").mkdir()
        self.assert_refused("train", "--dataset", "images", "--data", "none", naming="none: holds no PNG or JPEG")


if __name__ == "__main__":
    unittest.main()
