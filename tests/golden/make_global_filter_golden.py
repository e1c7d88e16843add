#!/usr/bin/env python3
"""Ten Adam steps of a small network of global filters in PyTorch, float64, gradients by autograd: the reference
that the C++ training step is compared with.

Two blocks y = activation(irfft2(rfft2(x) * W)), W summed over input channels, on images of 12 x 10: 1 -> 3 channels
with ReLU, 3 -> 4 channels with modReLU on the spectrum, relu(|z| + b) z / |z|; then a linear map to 5 classes.

Everything random comes from one stream of a 64-bit linear congruential generator (see make_purefft_golden.py):
noise = (draw >> 8) / 2^23 - 1 in [-1, 1), rounded to float32, drawn in this order:

    1. parameters: filter 1 (3 x 1 x 12 x 6 x 2, real and imaginary parts), filter 2 (4 x 3 x 12 x 6 x 2), modReLU's
       bias (4), weight (5 x 480), bias (5); each noise times its amplitude below
    2. for each of the 10 steps, for each of its 8 samples: the label, draw % 5, then 120 values of noise

--dtype float32 writes nothing and prints the distance of a float32 run: losses differ by less than 1e-6.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import torch

from make_purefft_golden import lcg, rounded

ROWS, COLUMNS, CLASSES, STEPS, BATCH = 12, 10, 5, 10, 8
BINS = COLUMNS // 2 + 1
SHAPES = {"filter1": (3, 1, ROWS, BINS, 2), "filter2": (4, 3, ROWS, BINS, 2), "mod_relu": (4,),
          "weight": (CLASSES, 4 * ROWS * COLUMNS), "bias": (CLASSES,)}
AMPLITUDES = {"filter1": 1.0, "filter2": 0.7, "mod_relu": 3.0, "weight": 0.05, "bias": 0.1}
LEARNING_RATE = 1e-2


def noise(stream: Iterator[int], shape: tuple[int, ...]) -> torch.Tensor:
    count = torch.Size(shape).numel()
    values = torch.tensor([(draw >> 8) / 2**23 - 1 for draw in islice(stream, count)], dtype=torch.float64)
    return values.reshape(shape)


def logits(p: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    for name in ("filter1", "filter2"):
        spectrum = torch.einsum("bihw,oihw->bohw", torch.fft.rfft2(x), torch.view_as_complex(p[name]))
        if name == "filter2":
            magnitude = spectrum.abs()
            bias = p["mod_relu"][None, :, None, None]
            spectrum = torch.relu(magnitude + bias) * spectrum / magnitude
        x = torch.fft.irfft2(spectrum, s=(ROWS, COLUMNS))
        if name == "filter1":
            x = torch.relu(x)
    return x.flatten(1) @ p["weight"].T + p["bias"]


def train(dtype: torch.dtype) -> list[dict[str, object]]:
    stream = lcg()
    parameters = {name: (noise(stream, shape) * AMPLITUDES[name]).float().to(dtype).requires_grad_()
                  for name, shape in SHAPES.items()}
    adam = torch.optim.Adam(parameters.values(), lr=LEARNING_RATE)
    records: list[dict[str, object]] = []
    for _ in range(STEPS):
        labels, images = [], []
        for _ in range(BATCH):
            labels.append(next(stream) % CLASSES)
            images.append(noise(stream, (1, ROWS, COLUMNS)))
        x, labels_of = torch.stack(images).float().to(dtype), torch.tensor(labels)
        scores = logits(parameters, x)
        loss = torch.nn.functional.cross_entropy(scores, labels_of)
        adam.zero_grad()
        loss.backward()
        records.append({"loss": loss.item(), "correct": int((scores.argmax(1) == labels_of).sum()),
                        "gradient_norms": {name: p.grad.norm().item() for name, p in parameters.items()}})
        adam.step()
    return records


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dtype", choices=["float64", "float32"], default="float64",
                        help="float32 writes nothing and prints its distance from float64")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("global_filter_ten_steps.json"))
    arguments = parser.parse_args()
    records = train(torch.float64)
    if arguments.dtype == "float32":
        for a, b in zip(train(torch.float32), records, strict=True):
            print(a["loss"] / b["loss"] - 1, {name: norm / b["gradient_norms"][name] - 1
                                              for name, norm in a["gradient_norms"].items()})
        return
    arguments.output.write_text(json.dumps({"steps": rounded(records, 12)}, separators=(",", ":")) + "\n",
                                encoding="utf-8")


if __name__ == "__main__":
    main()
