#!/usr/bin/env python3
"""Ten Adam steps of small character transformers in PyTorch: what the C++ models are compared with.

The networks are written with PyTorch's own layers, a softmax over a whole matrix of scores, and its automatic
gradients, in double precision. Two of them cover what the registry's model can be made of: `plain` with golden
positions, GELU and residuals of 1, `golden` with rotary encoding, SwiGLU, residuals of 1/phi and focused scores.

Everything random comes from one stream of a 64-bit linear congruential generator, for each network anew, in
this order:

    state <- state * 6364136223846793005 + 1442695040888963407 (mod 2^64), starting at state = 1
    draw = state >> 32, after the update
    1. parameters in the order of the model's layers, row by row; one draw each,
       noise = (draw >> 8) / 2^23 - 1; value = float32(offset + 0.3 noise), offset 1 for scales of norms, else 0
    2. for each of the 10 steps, for each of its 4 windows, 9 tokens: draw % 11; the last 8 are the targets
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

MULTIPLIER, INCREMENT, SEED = 6364136223846793005, 1442695040888963407, 1
VOCABULARY, CONTEXT, WIDTH, HEADS, LAYERS, FACTOR = 11, 8, 12, 3, 2, 2
STEPS, BATCH, LEARNING_RATE = 10, 4, 1e-3
PHI = (1 + 5**0.5) / 2


def lcg() -> Iterator[int]:
    """The upper 32 bits of each state of the generator."""
    state = SEED
    while True:
        state = (state * MULTIPLIER + INCREMENT) % 2**64
        yield state >> 32


def golden_positions() -> Tensor:
    position = torch.arange(CONTEXT).double()[:, None]
    angle = position / PHI ** (torch.arange(0, WIDTH, 2).double() / WIDTH)
    return torch.stack([angle.sin(), angle.cos()], dim=-1).reshape(CONTEXT, WIDTH)


def rotated(x: Tensor) -> Tensor:
    """Neighbouring values of a head turned as complex numbers; x: batch x heads x places x size."""
    size = x.shape[-1]
    frequency = 10000.0 ** (-torch.arange(0, size, 2).double() / size)
    angle = torch.arange(CONTEXT).double()[:, None] * frequency
    turned = torch.view_as_complex(x.reshape(*x.shape[:-1], size // 2, 2)) * torch.polar(
        torch.ones_like(angle), angle
    )
    return torch.view_as_real(turned).reshape(x.shape)


class Block(nn.Module):
    def __init__(self, golden: bool) -> None:
        super().__init__()
        self.golden = golden
        hidden = FACTOR * WIDTH
        self.norm1, self.qkv, self.output = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.norm2 = nn.LayerNorm(WIDTH)
        self.expand, self.contract = nn.Linear(WIDTH, (2 if golden else 1) * hidden), nn.Linear(hidden, WIDTH)

    def attention(self, x: Tensor) -> Tensor:
        q, k, v = (
            part.reshape(BATCH, CONTEXT, HEADS, WIDTH // HEADS).transpose(1, 2)
            for part in self.qkv(x).chunk(3, dim=-1)
        )
        scale = 1 / math.sqrt(WIDTH // HEADS)
        if self.golden:
            q, k, scale = rotated(q), rotated(k), scale / PHI
        later = torch.ones(CONTEXT, CONTEXT, dtype=torch.bool).triu(1)
        scores = (scale * q @ k.transpose(-1, -2)).masked_fill(later, -torch.inf)
        return self.output((scores.softmax(-1) @ v).transpose(1, 2).reshape(x.shape))

    def feed_forward(self, x: Tensor) -> Tensor:
        wide = self.expand(x)
        if not self.golden:
            return self.contract(functional.gelu(wide))
        gate, value = wide.chunk(2, dim=-1)
        return self.contract(functional.silu(gate) * value)

    def forward(self, x: Tensor) -> Tensor:
        scale = 1 / PHI if self.golden else 1
        x = x + scale * self.attention(self.norm1(x))
        return x + scale * self.feed_forward(self.norm2(x))


class Transformer(nn.Module):
    def __init__(self, golden: bool) -> None:
        super().__init__()
        self.golden = golden
        self.embedding = nn.Embedding(VOCABULARY, WIDTH)
        self.blocks = nn.Sequential(*(Block(golden) for _ in range(LAYERS)))
        self.norm = nn.LayerNorm(WIDTH)
        self.output = nn.Linear(WIDTH, VOCABULARY)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embedding(tokens)
        if not self.golden:
            x = x + golden_positions()
        return self.output(self.norm(self.blocks(x)))


def train(golden: bool) -> list[dict[str, float]]:
    stream = lcg()
    model = Transformer(golden).double()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            offset = 1.0 if "norm" in name and name.endswith("weight") else 0.0
            noise = torch.tensor([(next(stream) >> 8) / 2**23 - 1 for _ in range(parameter.numel())])
            start = (offset + 0.3 * noise.double()).float().double()
            parameter.copy_(start.reshape(parameter.shape))
    adam = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    records = []
    for _ in range(STEPS):
        windows = torch.tensor([[next(stream) % VOCABULARY for _ in range(CONTEXT + 1)] for _ in range(BATCH)])
        logits, targets = model(windows[:, :-1]).reshape(-1, VOCABULARY), windows[:, 1:].reshape(-1)
        loss = functional.cross_entropy(logits, targets)
        adam.zero_grad()
        loss.backward()
        square = sum(float(p.grad.square().sum()) for p in model.parameters())
        records.append({
            "loss": float(f"{loss.item():.10g}"),
            "correct": int((logits.argmax(-1) == targets).sum()),
            "gradient_norm": float(f"{square**0.5:.10g}"),
        })
        adam.step()
    return records


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("transformer_ten_steps.json"))
    arguments = parser.parse_args()
    golden = {
        "config": {"vocabulary": VOCABULARY, "context": CONTEXT, "batch": BATCH, "learning_rate": LEARNING_RATE,
                   "width": WIDTH, "heads": HEADS, "layers": LAYERS, "factor": FACTOR},
        "plain": train(False),
        "golden": train(True),
    }
    arguments.output.write_text(json.dumps(golden, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
