#!/usr/bin/env python3
"""Attention of 4 × 8 heads of 64 values, and layer norm with GELU: ours and PyTorch's, in turn on the same machine.

usage: tests/bench/peers/attention_torch.py --bench build/release/tests/bench/attention_bench [--rounds N]

Every round measures ours, PyTorch's attention with the scores as a matrix (softmax(q kᵀ/8) v) and its fused
scaled_dot_product_attention, forward without gradients; two threads each. Printed are medians and the best of the rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import time
from typing import Callable

import torch

SEQUENCES = (128, 512, 2048)
SECONDS = 0.4


def median_ms(run: Callable[[], object]) -> float:
    run()
    times: list[float] = []
    start = time.perf_counter()
    while len(times) < 3 or time.perf_counter() - start < SECONDS:
        before = time.perf_counter()
        run()
        times.append(1000 * (time.perf_counter() - before))
    return statistics.median(times)


def unfused(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    return torch.softmax(q @ k.transpose(-2, -1) * 0.125, dim=-1) @ v


def torch_round() -> dict[str, float]:
    results = {}
    fused = torch.nn.functional.scaled_dot_product_attention
    for sequence in SEQUENCES:
        q, k, v = (torch.randn(4, 8, sequence, 64) for _ in range(3))
        if (unfused(q, k, v) - fused(q, k, v)).abs().max() > 1e-4:
            raise SystemExit("PyTorch's two routes differ")
        results[f"T={sequence} PyTorch, unfused"] = median_ms(lambda: unfused(q, k, v))
        results[f"T={sequence} PyTorch, fused"] = median_ms(lambda: fused(q, k, v))
    x, norm = torch.randn(2048, 512), torch.nn.LayerNorm(512)
    results["layer norm + GELU PyTorch"] = median_ms(lambda: torch.nn.functional.gelu(norm(x)))
    return results


def our_round(bench: str) -> dict[str, float]:
    names = {f"attention/{sequence}/0/real_time": f"T={sequence} ours" for sequence in SEQUENCES}
    names["layer_norm_gelu/real_time"] = "layer norm + GELU ours"
    output = subprocess.run(
        [bench, "--benchmark_filter=^(attention/[0-9]+/0|layer_norm_gelu)/", "--benchmark_format=json",
         f"--benchmark_min_time={SECONDS / 5}", "--benchmark_repetitions=5"],
        env=os.environ | {"OMP_WAIT_POLICY": "passive"}, check=True, capture_output=True, text=True).stdout
    return {names[entry["run_name"]]: entry["real_time"] for entry in json.loads(output)["benchmarks"]
            if entry.get("aggregate_name") == "median"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    rounds: dict[str, list[float]] = {}
    with torch.inference_mode():
        for _ in range(arguments.rounds):
            for name, value in (our_round(arguments.bench) | torch_round()).items():
                rounds.setdefault(name, []).append(value)
    print(f"PyTorch {torch.__version__}, {arguments.rounds} rounds")
    for name in sorted(rounds):
        values = rounds[name]
        ours = rounds[name.split(" PyTorch")[0].removesuffix(" ours") + " ours"]
        print(f"{name:<28} median {statistics.median(values):8.3f} ms "
              f"({statistics.median(values) / statistics.median(ours):5.2f} of ours)   best {min(values):8.3f} ms "
              f"({min(values) / min(ours):5.2f})")


if __name__ == "__main__":
    main()
