#!/usr/bin/env python3
"""One training step of PureFFT in PyTorch, by batch size: literal, collapsed, and collapsed under torch.compile.

A step is forward, cross entropy, backward and Adam on magnitudes already on the device; the median of ROUNDS
steps, timed by the device's own events after a warm-up that includes the compilation.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time

import torch
from purefft_torch import CLASSES, FEATURES, LEARNING_RATE, PureFFT
from torch import nn

ROUNDS, WARM_UP_STEPS = 21, 5


class Stopwatch:
    """Milliseconds between two moments in the device's queue; the wall clock where it has none."""

    def __init__(self, device: torch.device) -> None:
        self.cuda = device.type == "cuda"

    def mark(self) -> object:
        if not self.cuda:
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def between(self, start: object, end: object) -> float:
        if not self.cuda:
            return 1000 * (end - start)
        end.synchronize()
        return start.elapsed_time(end)


def step_ms(variant: str, batch: int, device: torch.device) -> float:
    model = PureFFT(variant != "literal").to(device)
    optimiser = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    torch.manual_seed(0)
    features = torch.randn(batch, FEATURES, device=device).abs()
    labels = torch.randint(CLASSES, (batch,), device=device)

    def loss_of(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return nn.functional.cross_entropy(model(x), y)

    loss = torch.compile(loss_of) if variant == "compiled" else loss_of

    def step() -> None:
        optimiser.zero_grad()
        loss(features, labels).backward()
        optimiser.step()

    for _ in range(WARM_UP_STEPS):
        step()
    watch, times = Stopwatch(device), []
    for _ in range(ROUNDS):
        start = watch.mark()
        step()
        times.append(watch.between(start, watch.mark()))
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--batch", type=int, nargs="+", default=[256, 65536])
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    steps = {str(batch): {variant: step_ms(variant, batch, device)
                          for variant in ("literal", "collapsed", "compiled")} for batch in arguments.batch}
    print(json.dumps({"torch": torch.__version__, "step_ms": steps}))


if __name__ == "__main__":
    main()
