#!/usr/bin/env python3
"""PureFFT on MNIST in PyTorch: the peer that the training speed of this project is measured against.

The literal variant evaluates the network as it is defined, with B x P x F temporaries and autograd; the
collapsed one computes the gain g first and then (x * g) @ C.T. Both use the recipe of the model: Adam with
learning rate 1e-3, batches of 256, a new order every epoch.

An epoch's time covers the gathering of each batch, forward, backward and Adam, on features already in memory;
the median over the epochs is reported, after a warm-up on a model that is thrown away. The features' time is
rfft and magnitude of all 70,000 normalised images, in one call or in chunks of 4096, whichever is faster
(median of 5). The accuracy is that of the variant trained last; times of variants not asked for are null.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import statistics
import time
from pathlib import Path

import torch
from torch import Tensor, nn

POOL, LAYERS, CLASSES, FEATURES = 8, 2, 10, 393
BATCH, LEARNING_RATE = 256, 1e-3
CHUNK, REPEATS, WARM_UP_STEPS = 4096, 5, 20


def cosine_rows(rows: int) -> nn.Parameter:
    """The model's start; float64 angles keep the rows i and rows - i equal, which float32 ones would not."""
    angles = torch.outer(torch.arange(rows), torch.arange(FEATURES)).double() * (2 * math.pi / rows)
    return nn.Parameter((0.02 * angles.cos()).float())


class PureFFT(nn.Module):
    """Logits (B, CLASSES) of magnitudes (B, FEATURES)."""

    def __init__(self, collapsed: bool) -> None:
        super().__init__()
        self.collapsed = collapsed
        self.pool = cosine_rows(POOL)
        self.layer_patterns = cosine_rows(LAYERS)
        self.class_patterns = cosine_rows(CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        if self.collapsed:
            weights = torch.softmax(self.layer_patterns @ self.pool.T, dim=1)
            x = x * (weights @ self.pool).prod(dim=0)
        else:
            for pattern in self.layer_patterns:
                weights = torch.softmax((self.pool * pattern).sum(dim=1), dim=0)
                x = (x[:, None, :] * weights[None, :, None] * self.pool[None, :, :]).sum(dim=1)
        return x @ self.class_patterns.T


def read_idx(path: Path) -> Tensor:
    """An IDX file of bytes: two zeros, the type, the number of axes, their big-endian lengths, the data."""
    with gzip.open(path) as file:
        data = bytearray(file.read())
    axes = data[3]
    shape = [int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(axes)]
    return torch.frombuffer(data, dtype=torch.uint8, offset=4 + 4 * axes).reshape(shape)


def read_mnist(folder: Path) -> tuple[Tensor, Tensor]:
    """Normalised signals (70000, 784), the 60,000 for training first, and their labels."""
    images = torch.cat([read_idx(folder / f"{part}-images-idx3-ubyte.gz") for part in ("train", "t10k")])
    labels = torch.cat([read_idx(folder / f"{part}-labels-idx1-ubyte.gz") for part in ("train", "t10k")])
    return (images.flatten(1).float() / 255 - 0.1307) / 0.3081, labels.long()


def magnitudes(signals: Tensor, chunk: int) -> Tensor:
    return torch.cat([torch.fft.rfft(part).abs() for part in signals.split(chunk)])


def time_features(signals: Tensor) -> float:
    medians = []
    for chunk in (len(signals), CHUNK):
        magnitudes(signals, chunk)
        seconds = []
        for _ in range(REPEATS):
            start = time.perf_counter()
            magnitudes(signals, chunk)
            seconds.append(time.perf_counter() - start)
        medians.append(statistics.median(seconds))
    return min(medians)


def train_epoch(
    model: PureFFT, optimiser: torch.optim.Adam, features: Tensor, labels: Tensor, order: Tensor
) -> None:
    for chosen in order.split(BATCH):
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(features[chosen]), labels[chosen]).backward()
        optimiser.step()


def new_model(collapsed: bool) -> tuple[PureFFT, torch.optim.Adam]:
    model = PureFFT(collapsed)
    return model, torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)


def train(collapsed: bool, features: Tensor, labels: Tensor, epochs: int) -> tuple[PureFFT, float]:
    """The trained model and the median of the seconds an epoch took."""
    train_epoch(*new_model(collapsed), features, labels, torch.arange(WARM_UP_STEPS * BATCH))
    torch.manual_seed(0)
    model, optimiser = new_model(collapsed)
    seconds = []
    for _ in range(epochs):
        order = torch.randperm(len(features))
        start = time.perf_counter()
        train_epoch(model, optimiser, features, labels, order)
        seconds.append(time.perf_counter() - start)
    return model, statistics.median(seconds)


@torch.no_grad()
def accuracy(model: PureFFT, features: Tensor, labels: Tensor) -> float:
    return (model(features).argmax(dim=1) == labels).float().mean().item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with MNIST's four gzipped IDX files")
    parser.add_argument("--variant", choices=["literal", "collapsed", "both"], default="both")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", action="store_true", help="print one JSON line instead of a table")
    arguments = parser.parse_args()
    if arguments.epochs < 1 or arguments.threads < 1:
        parser.error("--epochs and --threads must be at least 1")

    torch.set_num_threads(arguments.threads)
    signals, labels = read_mnist(arguments.data)
    result = {
        "torch": torch.__version__,
        "threads": arguments.threads,
        "literal_seconds_per_epoch": None,
        "collapsed_seconds_per_epoch": None,
        "features_seconds_70000": time_features(signals),
    }
    features = magnitudes(signals, CHUNK)
    for variant in ("literal", "collapsed"):
        if arguments.variant in (variant, "both"):
            model, seconds = train(variant == "collapsed", features[:60000], labels[:60000], arguments.epochs)
            result[f"{variant}_seconds_per_epoch"] = seconds
            result["test_accuracy"] = accuracy(model, features[60000:], labels[60000:])

    if arguments.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:30} {value}")


if __name__ == "__main__":
    main()
