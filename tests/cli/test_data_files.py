"""Data directories that are missing, damaged or inconsistent."""

from __future__ import annotations

import gzip
import unittest

from support import REPLACING, CliCase, idx

SIDE = 8


def images(count: int) -> bytes:
    return idx(bytes(i * 37 % 256 for i in range(count * SIDE * SIDE)), count, SIDE, SIDE)


def labels(count: int, classes: int = 4) -> bytes:
    return idx(bytes(i % classes for i in range(count)), count)


TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


class DataFiles(CliCase):
    def setUp(self) -> None:
        super().setUp()
        self.data = self.folder / "data"
        self.data.mkdir()
        self.write_sound_set()
        self.train("before.h5", "--epochs", "1")

    def write_sound_set(self) -> None:
        for name, content in {TRAIN_IMAGES: images(40), TRAIN_LABELS: labels(40),
                              TEST_IMAGES: images(12), TEST_LABELS: labels(12)}.items():
            (self.data / name).write_bytes(content)

    def assert_data_refused(self, name: str, content: bytes, naming: str) -> None:
        """Puts one file in place of a sound one."""
        self.write_sound_set()
        (self.data / name).write_bytes(content)
        for dataset in ("mnist", "idx"):
            with self.subTest(naming, dataset=dataset):
                self.assert_refused("train", "--dataset", dataset, "--data", self.data, *REPLACING,
                                    naming=f"{self.data / name}: {naming}")

    def test_sound_set_is_read(self) -> None:
        plain = self.json("train", "--dataset", "idx", "--data", "data", "--epochs", "1")
        for path in list(self.data.iterdir()):
            (self.data / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()
        compressed = self.json("train", "--dataset", "idx", "--data", self.data, "--epochs", "1")
        self.assertEqual(plain["test_loss"], compressed["test_loss"])

    def test_no_directory(self) -> None:
        for path in (self.folder / "missing", self.folder / "before.h5"):
            with self.subTest(path.name):
                self.assert_refused("train", "--dataset", "mnist", "--data", path, *REPLACING,
                                    naming=str(path))

    def test_missing_file(self) -> None:
        (self.data / TEST_LABELS).unlink()
        self.assert_refused("train", "--dataset", "mnist", "--data", self.data, *REPLACING,
                            naming=f"{self.data / TEST_LABELS}: there is no such file")

    def test_truncated(self) -> None:
        whole, packed = images(40), gzip.compress(images(40))
        for size in (0, 3, 4, 15):
            self.assert_data_refused(TRAIN_IMAGES, whole[:size], "is truncated: the header ends")
        for size in (16, 17, len(whole) - 1):
            self.assert_data_refused(TRAIN_IMAGES, whole[:size], "is truncated: its header promises 2560")
        for size in (5, 40, len(packed) - 9, len(packed) - 1):
            self.assert_data_refused(TRAIN_IMAGES, packed[:size], "the gzip data is truncated")

    def test_damaged(self) -> None:
        packed = bytearray(gzip.compress(images(40)))
        packed[-6] ^= 1  # the checksum
        self.assert_data_refused(TRAIN_IMAGES, bytes(packed), "the gzip data is damaged")
        self.assert_data_refused(TRAIN_IMAGES, b"\x89PNG\r\n\x1a\n", "is no IDX file")
        self.assert_data_refused(TRAIN_IMAGES, images(40) + b"\0", "is too long")
        self.assert_data_refused(TRAIN_IMAGES, idx(bytes(160), 40, kind=0x0D), "holds 32-bit floats")
        self.assert_data_refused(TRAIN_IMAGES, idx(b"", 0, SIDE, SIDE), "is empty")
        self.assert_data_refused(TRAIN_IMAGES, idx(b"", *[2**32 - 1] * 3), "promises more than 4 GiB")

    def test_inconsistent(self) -> None:
        self.assert_data_refused(TRAIN_LABELS, labels(39), "holds 39 labels")
        self.assert_data_refused(TEST_LABELS, labels(12, classes=5), "label 4 of sample 4 is out of range")
        damaged = labels(40)[:-1] + bytes([200])  # one byte would make a class of its own
        self.assert_data_refused(TRAIN_LABELS, damaged, "label 200 of sample 39 is out of range")
        self.assert_data_refused(TRAIN_LABELS, images(40), "has 3 dimensions")
        self.assert_data_refused(TRAIN_IMAGES, labels(40), "has one dimension")
        self.assert_data_refused(TEST_IMAGES, idx(bytes(12 * 9), 12, 3, 3), "holds samples of 3 × 3")


if __name__ == "__main__":
    unittest.main()
