#!/usr/bin/env python3
"""One block of global filters on MNIST: seconds per epoch of ours and of PyTorch, in turn on the same machine.

usage: tests/bench/peers/global_filter_torch.py --spectral build/release/app/spectral --data DIR [--rounds N]

irfft2(rfft2(x) * W) with 8 filters, ReLU, a linear map to the classes; Adam, batch 256, two threads each. Every
round trains one epoch with both; printed are all times, the medians and their ratio. DIR holds MNIST's IDX files.
"""

from __future__ import annotations

import argparse
import gzip
import json
import pathlib
import statistics
import subprocess
import tempfile
import time

import numpy as np
import torch

CHANNELS, BATCH = 8, 256


def idx(path: pathlib.Path, offset: int) -> np.ndarray:
    return np.frombuffer(gzip.open(path).read(), np.uint8, offset=offset)


def torch_epoch(x: torch.Tensor, y: torch.Tensor) -> float:
    filters = torch.nn.Parameter(0.1 * torch.randn(CHANNELS, 28, 15, 2))
    head = torch.nn.Linear(CHANNELS * 28 * 28, 10)
    adam = torch.optim.Adam([filters, *head.parameters()], lr=1e-3)
    order = torch.randperm(len(x))
    start = time.perf_counter()
    for first in range(0, len(x), BATCH):
        rows = order[first:first + BATCH]
        spectrum = torch.fft.rfft2(x[rows])[:, None] * torch.view_as_complex(filters)
        maps = torch.relu(torch.fft.irfft2(spectrum, s=(28, 28)))
        loss = torch.nn.functional.cross_entropy(head(maps.flatten(1)), y[rows])
        adam.zero_grad()
        loss.backward()
        adam.step()
    return time.perf_counter() - start


def our_epoch(spectral: str, data: pathlib.Path) -> float:
    with tempfile.TemporaryDirectory() as folder:
        output = subprocess.run(
            [spectral, "train", "--model", "global-filter", "--channels", str(CHANNELS), "--dataset", "mnist", "--data",
             data, "--epochs", "1", "--threads", "2", "--json", "--out", f"{folder}/run.h5"],
            check=True, capture_output=True, text=True).stdout
    return float(json.loads(output.splitlines()[-1])["train_seconds_per_epoch"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spectral", required=True)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    images = idx(arguments.data / "train-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)
    x = torch.tensor((images / 255 - 0.1307) / 0.3081, dtype=torch.float32)
    y = torch.tensor(idx(arguments.data / "train-labels-idx1-ubyte.gz", 8).astype(np.int64))
    ours, theirs = [], []
    for _ in range(arguments.rounds):
        ours.append(our_epoch(arguments.spectral, arguments.data))
        theirs.append(torch_epoch(x, y))
        print(f"ours {ours[-1]:7.2f} s   PyTorch {torch.__version__} {theirs[-1]:7.2f} s", flush=True)
    ratio = statistics.median(theirs) / statistics.median(ours)
    print(f"medians: ours {statistics.median(ours):.2f} s, PyTorch {statistics.median(theirs):.2f} s, ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
