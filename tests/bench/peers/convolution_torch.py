#!/usr/bin/env python3
"""Convolution of a 512 × 512 image by a K × K kernel: ours and PyTorch's, in turn on the same machine.

usage: tests/bench/peers/convolution_torch.py --bench build/release/tests/bench/convolution_bench [--rounds N]

Every round measures our tiles with the kernel's spectrum kept, PyTorch's FFT route with its spectrum kept (at
several transform lengths: the shortest that gives the middle of the result, 542 which gives all of it, others that
transforms are fast at), and PyTorch's direct convolution; two threads each. Printed are medians and the best of the
rounds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import time
from typing import Callable

import torch

SIDE, WARM_UP, REPETITIONS = 512, 3, 15
LENGTHS = (528, 540, 542, 544, 576)


def median_ms(run: Callable[[], object]) -> float:
    for _ in range(WARM_UP):
        run()
    times = []
    for _ in range(REPETITIONS):
        start = time.perf_counter()
        run()
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)


def torch_round(kernel: int) -> dict[str, float]:
    x, w = torch.randn(1, 1, SIDE, SIDE), torch.randn(1, 1, kernel, kernel)
    first = kernel // 2
    results = {"direct": median_ms(lambda: torch.nn.functional.conv2d(x, w, padding=first))}
    for length in LENGTHS:
        if length < SIDE + first:
            continue
        spectrum = torch.fft.rfft2(torch.flip(w, (2, 3)), s=(length, length))

        def transform(length: int = length, spectrum: torch.Tensor = spectrum) -> torch.Tensor:
            product = torch.fft.rfft2(x, s=(length, length)) * spectrum
            return torch.fft.irfft2(product, s=(length, length))[..., first:first + SIDE, first:first + SIDE]

        difference = (transform() - torch.nn.functional.conv2d(x, w, padding=first)).abs().max()
        if difference > 1e-2:
            raise SystemExit(f"PyTorch's routes differ by {difference} at length {length}")
        results[f"fft, length {length}"] = median_ms(transform)
    return results


def our_round(bench: str, kernel: int) -> dict[str, float]:
    output = subprocess.run(
        [bench, f"--benchmark_filter=convolve/tiles/{kernel}/1/", "--benchmark_format=json",
         "--benchmark_min_time=0.02", "--benchmark_repetitions=15"],
        check=True, capture_output=True, text=True).stdout
    medians = [entry["real_time"] for entry in json.loads(output)["benchmarks"]
               if entry.get("aggregate_name") == "median"]
    return {"ours, tiles": medians[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", required=True)
    parser.add_argument("--kernel", type=int, default=31)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    rounds: dict[str, list[float]] = {}
    with torch.inference_mode():
        for _ in range(arguments.rounds):
            for name, value in (our_round(arguments.bench, arguments.kernel) | torch_round(arguments.kernel)).items():
                rounds.setdefault(name, []).append(value)
    medians = {name: statistics.median(values) for name, values in rounds.items()}
    best = {name: min(values) for name, values in rounds.items()}
    ours = "ours, tiles"
    if arguments.json:
        print(json.dumps({"torch": torch.__version__, "median_ms": medians, "best_ms": best}))
        return
    print(f"PyTorch {torch.__version__}, {arguments.rounds} rounds, K = {arguments.kernel}")
    for name in medians:
        print(f"{name:<20} median {medians[name]:8.3f} ms ({medians[name] / medians[ours]:6.1f} of ours)   "
              f"best {best[name]:8.3f} ms ({best[name] / best[ours]:6.1f})")


if __name__ == "__main__":
    main()
