#!/usr/bin/env python3
"""Ten Adam steps of small convolutional networks in PyTorch: what the C++ models are compared with.

The networks are written with PyTorch's own operations and its automatic gradients, in double precision.
Spectral pooling, which PyTorch lacks, is written as its formula, a sum over frequencies for every output and
input sample of an axis. Afterwards the last batch is evaluated with the running statistics of the norms.

Everything random comes from one stream of a 64-bit linear congruential generator, for each network anew, in
this order:

    state <- state * 6364136223846793005 + 1442695040888963407 (mod 2^64), starting at state = 1
    draw = state >> 32, after the update;  noise = (draw >> 8) / 2^23 - 1
    1. parameters in the order of the model's layers, row by row; one draw each,
       value = float32(offset + 0.3 noise), offset 1 for scales of norms, else 0
    2. for each of the 10 steps, for each of its 6 samples: the label, draw % 5, then the values,
       float32(noise) each
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

MULTIPLIER, INCREMENT, SEED = 6364136223846793005, 1442695040888963407, 1
STEPS, BATCH, CLASSES, LEARNING_RATE = 10, 6, 5, 1e-3

# What the registry's model is asked for, and the shape of a sample's features.
NETWORKS = {
    "max": {
        "shape": [3, 9, 8],
        "options": {"channels": 4, "blocks": 2, "kernel": 3, "padding": "same", "pooling": "max", "pool": 2,
                    "activation": "relu", "dense": 7, "global_pool": False, "batch_norm": True},
    },
    "average": {
        "shape": [23],
        "options": {"channels": 3, "blocks": 2, "kernel": 4, "padding": "valid", "pooling": "average", "pool": 2,
                    "activation": "gelu", "dense": 0, "global_pool": True, "batch_norm": False},
    },
    "spectral": {
        "shape": [11, 8],
        "options": {"channels": 2, "blocks": 2, "kernel": 2, "padding": "same", "pooling": "spectral", "pool": 2,
                    "activation": "relu", "dense": 0, "global_pool": False, "batch_norm": True},
    },
    "volume": {
        "shape": [5, 6, 7],
        "options": {"channels": 2, "blocks": 1, "kernel": 3, "padding": "valid", "pooling": "max", "pool": 2,
                    "activation": "gelu", "dense": 0, "global_pool": False, "batch_norm": True},
    },
}


def lcg() -> Iterator[int]:
    """The upper 32 bits of each state of the generator."""
    state = SEED
    while True:
        state = (state * MULTIPLIER + INCREMENT) % 2**64
        yield state >> 32


def noise(stream: Iterator[int], shape: list[int], offset: float, amplitude: float) -> Tensor:
    values = [offset + amplitude * ((next(stream) >> 8) / 2**23 - 1) for _ in range(math.prod(shape))]
    return torch.tensor(values).float().double().reshape(shape)


def pooling_matrix(n: int, m: int) -> Tensor:
    """y[i] = sum over |f| <= m/2 of X[f]/n e^(2 pi i f i/m), as a matrix."""
    if n == m:
        return torch.eye(n).double()
    f = torch.arange(-(m // 2), m // 2 + 1).double()[:, None, None]
    turns = torch.arange(m).double()[:, None] / m - torch.arange(n).double() / n
    return torch.cos(2 * math.pi * f * turns).sum(dim=0) / n


class Network:
    def __init__(self, shape: list[int], options: dict[str, object], stream: Iterator[int]) -> None:
        self.options = options
        self.space = len(shape) if len(shape) < 3 or shape[0] > 4 else len(shape) - 1
        self.first = shape if self.space < len(shape) else [1, *shape]
        self.parameters: list[Tensor] = []
        self.statistics: list[Tensor] = []
        sample = torch.zeros([1, *self.first]).double()
        self.blocks = []
        channels = options["channels"]
        for _ in range(options["blocks"]):
            block = {"weight": noise(stream, [channels, sample.shape[1]] + [options["kernel"]] * self.space, 0, 0.3)}
            if options["batch_norm"]:
                block["scale"] = noise(stream, [channels], 1, 0.3)
                block["shift"] = noise(stream, [channels], 0, 0.3)
                block["mean"], block["variance"] = torch.zeros(channels).double(), torch.ones(channels).double()
                self.statistics += [block["mean"], block["variance"]]
            else:
                block["bias"] = noise(stream, [channels], 0, 0.3)
            self.parameters += [v for name, v in block.items() if name not in ("mean", "variance")]
            self.blocks.append(block)
            sample = self.pooled(self.convolved(sample, block))
            channels *= 2
        self.head = []
        width = sample.shape[1] if options["global_pool"] else sample[0].numel()
        for outputs in [options["dense"], CLASSES] if options["dense"] else [CLASSES]:
            self.head.append((noise(stream, [outputs, width], 0, 0.3), noise(stream, [outputs], 0, 0.3)))
            self.parameters += self.head[-1]
            width = outputs
        for parameter in self.parameters:
            parameter.requires_grad_()

    def convolved(self, x: Tensor, block: dict[str, Tensor]) -> Tensor:
        convolve = [functional.conv1d, functional.conv2d, functional.conv3d][self.space - 1]
        return convolve(x, block["weight"], block.get("bias"), padding=self.options["padding"])

    def activated(self, x: Tensor) -> Tensor:
        return functional.relu(x) if self.options["activation"] == "relu" else functional.gelu(x)

    def pooled(self, x: Tensor) -> Tensor:
        extents = list(x.shape[2:])
        windows = [min(self.options["pool"], extent) for extent in extents]
        if self.options["pooling"] == "spectral":
            for axis, (extent, window) in enumerate(zip(extents, windows, strict=True)):
                matrix = pooling_matrix(extent, extent // window)
                x = torch.movedim(torch.movedim(x, axis + 2, -1) @ matrix.T, -1, axis + 2)
            return x
        kinds = {"max": [functional.max_pool1d, functional.max_pool2d, functional.max_pool3d],
                 "average": [functional.avg_pool1d, functional.avg_pool2d, functional.avg_pool3d]}
        return kinds[self.options["pooling"]][self.space - 1](x, windows)

    def logits(self, x: Tensor, training: bool) -> Tensor:
        x = x.reshape(-1, *self.first)
        for block in self.blocks:
            x = self.convolved(x, block)
            if "scale" in block:
                x = functional.batch_norm(x, block["mean"], block["variance"], block["scale"], block["shift"],
                                          training, momentum=0.1, eps=1e-5)
            x = self.pooled(self.activated(x))
        x = x.flatten(2).mean(dim=2) if self.options["global_pool"] else x.flatten(1)
        for weight, bias in self.head[:-1]:
            x = self.activated(functional.linear(x, weight, bias))
        return functional.linear(x, *self.head[-1])


def train(shape: list[int], options: dict[str, object]) -> dict[str, object]:
    stream = lcg()
    network = Network(shape, options, stream)
    adam = torch.optim.Adam(network.parameters, lr=LEARNING_RATE)
    steps = []
    for _ in range(STEPS):
        samples, labels = [], []
        for _ in range(BATCH):
            labels.append(next(stream) % CLASSES)
            samples.append(noise(stream, shape, 0, 1))
        x, y = torch.stack(samples), torch.tensor(labels)
        logits = network.logits(x, True)
        loss = functional.cross_entropy(logits, y)
        adam.zero_grad()
        loss.backward()
        steps.append({"loss": loss.item(), "correct": int((logits.argmax(dim=1) == y).sum()),
                      "gradient_norms": [parameter.grad.norm().item() for parameter in network.parameters]})
        adam.step()
    with torch.no_grad():
        evaluated = network.logits(x, False)
    return {"shape": shape, "options": options, "steps": steps,
            "statistics": [each.tolist() for each in network.statistics],
            "evaluated": evaluated.tolist()}


def rounded(value: object) -> object:
    """Numbers anywhere in dictionaries and lists, rounded to significant digits."""
    if isinstance(value, dict):
        return {name: rounded(v) for name, v in value.items()}
    if isinstance(value, list):
        return [rounded(v) for v in value]
    return float(f"{value:.10g}") if isinstance(value, float) else value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("cnn_ten_steps.json"))
    networks = {name: train(**each) for name, each in NETWORKS.items()}
    parser.parse_args().output.write_text(json.dumps(rounded(networks), separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
