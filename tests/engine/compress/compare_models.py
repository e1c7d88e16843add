"""Compares what the shipped reader makes of a packed and of a dense model file."""

import importlib.util
import pathlib
import sys

import numpy as np

resources, packed, dense = map(pathlib.Path, sys.argv[1:])
spec = importlib.util.spec_from_file_location("read_model", resources / "read_model.py")
reader = importlib.util.module_from_spec(spec)
spec.loader.exec_module(reader)

found, expected = reader.read_model(packed), reader.read_model(dense)
different = sorted(found.keys() ^ expected.keys())
for name, weights in expected.items():
    close = found[name].shape == weights.shape and np.allclose(found[name], weights, rtol=1e-5, atol=1e-6)
    if not close:
        different.append(name)
print("different:", *different) if different else print(f"the same: {len(expected)}")
