"""Makes the inputs that fuzzing starts from: small files of every form. Found inputs beside them stay.

    SPECTRAL_CLI=build/release/app/spectral /usr/bin/python3 tests/fuzz/make_corpus.py

needs NumPy and h5py. The same names give the same bytes, but for dates in files of the program itself.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import struct
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import h5py
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "cli"))
from pictures import jpeg, png  # noqa: E402

CORPUS = Path(__file__).resolve().parent / "corpus"
WEIGHT = np.cos(np.add.outer(np.arange(6), np.arange(4))).astype("f4")


def put(target: str, name: str, data: bytes) -> None:
    path = CORPUS / target / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def safetensors(header: dict, values: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + values


def make_safetensors() -> None:
    types = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "BOOL": 1}
    header, end = {"__metadata__": {"format": "pt"}}, 0
    for name, width in types.items():
        header[f"layer.{name}"] = {"dtype": name, "shape": [2, 3], "data_offsets": [end, end + 6 * width]}
        end += 6 * width
    put("safetensors", "types", safetensors(header, bytes(range(end))))
    put("safetensors", "empty", safetensors({}))
    tensor = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    put("safetensors", "one", safetensors({"a": tensor}, b"four"))
    put("safetensors", "overlap", safetensors({"a": tensor, "b": tensor}, b"four"))
    put("safetensors", "huge", safetensors({"a": tensor | {"shape": [1 << 62, 4]}}))
    put("safetensors", "scalar", safetensors({"s": tensor | {"shape": []}, "e": tensor | {"shape": [0], "data_offsets": [4, 4]}}, b"four"))


def saved(save: object, *arrays: object, **named: object) -> bytes:
    file = io.BytesIO()
    save(file, *arrays, **named)
    return file.getvalue()


def make_numpy() -> None:
    for name, array in {"f4": WEIGHT, "columns": np.asfortranarray(WEIGHT), "f8_swapped": WEIGHT.astype(">f8"),
                        "f2": WEIGHT.astype("f2"), "scalar": np.float32(1), "integers": np.arange(3),
                        "fields": np.zeros(2, [("a", "f4")]), "empty": np.zeros((0, 2), "f4")}.items():
        put("npy", name, saved(np.save, array))
    put("npy", "objects", saved(np.save, np.array([None], dtype=object), allow_pickle=True))
    version_2 = io.BytesIO()
    np.lib.format.write_array(version_2, WEIGHT[0], version=(2, 0))
    put("npy", "version_2", version_2.getvalue())
    put("npz", "stored", saved(np.savez, **{"a/w": WEIGHT[:2], "steps": np.int64(3)}))
    put("npz", "deflated", saved(np.savez_compressed, w=np.zeros((40, 5), "f4")))
    put("npz", "no_arrays", b"PK\x05\x06" + bytes(18))


def text(value: str) -> np.bytes_:
    return np.bytes_(value.encode())


def hdf5(write: object) -> bytes:
    file = io.BytesIO()
    with h5py.File(file, "w") as root:
        write(root)
    return file.getvalue()


def make_hdf5() -> None:
    def keras(root: h5py.File) -> None:
        root["layers/dense/vars/0"] = WEIGHT
        root["layers/dense/vars/1"] = WEIGHT[0].astype("f2")
        root["steps"] = np.int64(7)

    def chunked(root: h5py.File) -> None:
        root.create_dataset("w", data=WEIGHT.astype("f8"), chunks=(3, 4), compression="gzip", shuffle=True, fletcher32=True)

    def links(root: h5py.File) -> None:
        root["a"] = h5py.SoftLink("/b")
        root["b"] = h5py.ExternalLink("other.h5", "/b")

    for write in (keras, chunked, links):
        put("foreign_hdf5", write.__name__, hdf5(write))

    def dense(root: h5py.File) -> None:
        attributes = {"encoding-type": "spectral-model", "encoding-version": "1.0.0", "producer": "x", "created_utc": "",
                      "config_json": '{"model":"mlp"}', "dataset": "", "dataset_sha256": "", "metrics_json": "{}"}
        for name, value in attributes.items():
            root.attrs[name] = text(value)
        root.attrs["seed"] = np.uint64(1)
        layer = root.create_group("layers/000_a")
        layer.attrs.update({"name": text("a"), "kind": text("dense"), "params_json": text("{}"), "order": np.int64(0)})
        weight = layer.create_dataset("weight", data=WEIGHT)
        weight.attrs.update({"order": np.int64(0), "sha256": text(hashlib.sha256(WEIGHT.tobytes()).hexdigest())})
        for name in ("git", "backend", "device", "library_versions"):
            root.require_group("provenance").attrs[name] = text("")

    put("model_file", "dense", hdf5(dense))


def make_packed(program: str) -> None:
    """A model file with three forms of packed tensors, and their headers and bytes."""
    rng = np.random.default_rng(0)
    weight = (WEIGHT[:, :, None, None] + rng.normal(size=(6, 4, 3, 15)) * 0.1).astype("f4")
    methods = ("fft", "fft-int8", "svd", "magnitude", "dct-int4", "fft-box", "int8", "f16", "block-fft")
    index = {"fft": "flat-u32", "magnitude": "delta-varint"}
    whole = ("int8", "f16")  # without rates
    along = ("0", "1", "0,1", "2,3", "1,2,3")
    with tempfile.TemporaryDirectory() as folder:
        source, packed = Path(folder) / "in.npy", Path(folder) / "out.h5"
        np.save(source, weight)

        def compress(method: str, *options: str) -> None:
            subprocess.run([program, "compress", source, "--method", method, "--out", packed, "--force", *options],
                           check=True, stdout=subprocess.DEVNULL)

        for method in methods:
            compress(method, *(("--max-error", "0.9") if method in whole else ("--keep", "0.05")),
                     "--index", index.get(method, "bitmap"))
            if method in ("fft", "f16", "int8"):
                put("model_file", method, packed.read_bytes())
            with h5py.File(packed) as file:
                tensor = file["layers/000_tensors/in"]
                if "packing_json" in tensor.attrs:
                    for target in ("packed_tensor", "slices"):
                        put(target, method, tensor.attrs["packing_json"] + b"\0" + tensor[()].tobytes())
        for method in ("fft-int8", "dct", "fft-box"):
            for axes in along:
                compress(method, "--keep", "0.05", "--axes", axes)
                with h5py.File(packed) as file:
                    tensor = file["layers/000_tensors/in"]
                    put("slices", f"{method}-{axes}", tensor.attrs["packing_json"] + b"\0" + tensor[()].tobytes())
    make_ordered()


def make_ordered() -> None:
    """A tensor whose rows and columns are stored in another order, as no small one is by the program's choice."""
    numbers = np.arange(12, dtype="<f2")
    part = {"count": 12, "scale": 1.0, "support": "all", "value_bytes": numbers.nbytes, "values": "f16"}
    header = {"axes": [0, 1], "basis": "dct", "error_rel_fro": 0.0, "lists": [part], "method": "dct",
              "ordered": [[0, 1], [1, 1]], "shape": [3, 4]}
    orders = np.uint8([2, 0, 1, 3, 1, 0, 2])
    for target in ("packed_tensor", "slices"):
        put(target, "ordered", json.dumps(header).encode() + b"\0" + numbers.tobytes() + orders.tobytes())


def make_codecs() -> None:
    def index(coding: int, count: int, universe: int, data: bytes) -> bytes:
        return struct.pack("<BBH", coding, count, universe) + data

    put("index_codec", "flat", index(0, 2, 300, struct.pack("<II", 7, 299)))
    put("index_codec", "bitmap", index(1, 3, 20, b"\x81\x01\x00"))
    put("index_codec", "delta", index(2, 3, 999, b"\x05\x00\x80\x01"))

    def value(coding: int, count: int, scale: float, data: bytes) -> bytes:
        return struct.pack("<BHd", coding, count, scale) + data

    put("value_codec", "f32", value(0, 2, 1, np.float32([1, -2]).tobytes()))
    put("value_codec", "f16", value(1, 2, 2.0**-20, np.float16([1, -2]).tobytes()))
    put("value_codec", "int8", value(2, 3, 1e-3, np.float16([1]).tobytes() + b"\x01\xff\x7f"))
    put("value_codec", "int4", value(3, 65, 1e-3, np.float16([1, 2]).tobytes() + bytes(33)))


def make_recordings() -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)

    def wav(data: bytes, tag: int = 1, channels: int = 1, bits: int = 16, rest: bytes = b"", between: bytes = b"") -> bytes:
        frame = channels * bits // 8
        header = struct.pack("<HHIIHH", tag, channels, 8000, 8000 * frame, frame, bits) + rest
        chunks = b"WAVE" + chunk(b"fmt ", header) + between + chunk(b"data", data)
        return b"RIFF" + struct.pack("<I", len(chunks)) + chunks

    for bits in (8, 16, 24, 32):
        put("wav", f"pcm_{bits}", wav(bytes(range(24)), bits=bits))
    put("wav", "stereo", wav(bytes(range(24)), channels=2, between=chunk(b"LIST", b"odd")))
    put("wav", "f32", wav(np.float32([0.5, -1]).tobytes(), tag=3, bits=32))
    put("wav", "f64", wav(np.float64([0.5, -1]).tobytes(), tag=3, bits=64))
    guid = struct.pack("<HHIH", 22, 16, 4, 1) + bytes.fromhex("000000001000800000aa00389b71")
    put("wav", "extensible", wav(bytes(range(6)), tag=0xFFFE, rest=guid))
    put("wav", "a_law", wav(bytes(6), tag=6, bits=8))
    put("wav", "empty", wav(b""))


def make_archives() -> None:
    long_name = "folder/" * 20 + "name of a file"
    for name, mode, form in (("ustar", "w", tarfile.USTAR_FORMAT), ("gnu_gzip", "w:gz", tarfile.GNU_FORMAT),
                             ("pax", "w", tarfile.PAX_FORMAT), ("gnu", "w", tarfile.GNU_FORMAT)):
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode=mode, format=form) as archive:
            for each, data in {"./a": b"first", "b/c" if form == tarfile.USTAR_FORMAT else long_name: b"second" * 90}.items():
                member = tarfile.TarInfo(each)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
            link = tarfile.TarInfo("link")
            link.type, link.linkname = tarfile.SYMTYPE, "../../etc/passwd"
            archive.addfile(link)
        put("tar", name, file.getvalue() if mode == "w" else gzip.compress(gzip.decompress(file.getvalue()), mtime=0))
    up = tarfile.TarInfo("../up")
    put("tar", "upwards", up.tobuf(tarfile.USTAR_FORMAT) + bytes(1024))


def make_numbers() -> None:
    whole = np.arange(6).reshape(2, 3)
    for name, array in {"f4": WEIGHT, "f8_swapped": WEIGHT.astype(">f8"), "columns": np.asfortranarray(whole),
                        "bytes": whole.astype("u1"), "truth": whole > 2, "i2_swapped": whole.astype(">i2"),
                        "u8": whole.astype("u8") << 61, "empty": np.zeros((0, 2), "i4"), "text": np.array(["a"])}.items():
        put("numbers", name, saved(np.save, array))
    put("numbers", "stored", saved(np.savez, v=WEIGHT[:1], w=whole.astype("i4")))
    put("numbers", "deflated", saved(np.savez_compressed, w=np.zeros((40, 5), "u1")))


def make_pictures() -> None:
    pixels = [[(x * 40, y * 60, 99, 128) for x in range(5)] for y in range(3)]
    for name, colour_type, channels in (("grey", 0, 1), ("rgb", 2, 3), ("alpha", 6, 4)):
        put("image", "png_" + name, png([[pixel[:channels] for pixel in row] for row in pixels], colour_type))
    put("image", "jpeg_grey", jpeg([[(20,), (200,)]]))
    put("image", "jpeg_colour", jpeg([[(20, 100, 150)], [(200, 0, 255)]]))
    put("image", "jpeg_cut", jpeg([[(20,), (200,)]])[:-6])


def main() -> None:
    make_safetensors()
    make_numpy()
    make_hdf5()
    make_codecs()
    make_recordings()
    make_archives()
    make_pictures()
    make_numbers()
    make_packed(os.environ["SPECTRAL_CLI"])
    print(sum(path.stat().st_size for path in CORPUS.rglob("*") if path.is_file()), "bytes")


if __name__ == "__main__":
    main()
