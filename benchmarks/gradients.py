"""What the measurements of gradient flow cost, and how that grows with steps, units and layers.

python benchmarks/gradients.py [--cell lstm] [--threads 2] [--cpu-time]

Each measurement is timed at a base size (100 steps, 64 units, 1 layer) and with one of the three made larger, always on
fresh weights and random text; beside each time stands the power of the size with which it has grown from the base: 1
for twice the size, twice the time. Exact products are formed for a quarter of the units. Last comes a large case: all
pairs of 1,000 steps of 512 units, by random directions. `--cpu-time` counts this process' own seconds, for a machine
that others work on.
"""

from __future__ import annotations

import argparse
import math
import random
import time
from collections.abc import Callable

import torch

import rnncore
from rnncore import gradients

SYMBOLS = "".join(map(chr, range(32, 97)))
BASE = {"steps": 100, "units": 64, "layers": 1}
LARGER = {"steps": (200, 400), "units": (128, 256), "layers": (2, 3)}
EXACT, RANDOM = "jacobian_norms, exact, a quarter of the units", "jacobian_norms, 4 random directions"
MEASUREMENTS: dict[str, Callable[[rnncore.LanguageModel, str], object]] = {
    "flow": gradients.flow,
    "flow, without the weights' shares": lambda model, text: gradients.flow(model, text, weights=False),
    "record(gradients=True), total norms alone": lambda model, text: rnncore.record(model, text, gradients=True),
    EXACT: gradients.jacobian_norms,
    RANDOM: lambda model, text: gradients.jacobian_norms(model, text, probes=4),
    "lyapunov, 8 exponents": lambda model, text: gradients.lyapunov(model, text, exponents=8),
    "singular_values": gradients.singular_values,
    "horizon, 50 symbols": lambda model, text: gradients.horizon(model, text * 4, longest=50, positions=50),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cell", default="lstm", choices=sorted(rnncore.cells()))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cpu-time", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    clock = time.process_time if options.cpu_time else time.perf_counter
    print(
        f"torch {torch.__version__}, {options.threads} threads, {options.cell}, float64; seconds (power of the size)\n"
    )
    columns = ["100 steps, 64 units, 1 layer"]
    columns += [f"{size} {what}" for what, sizes in LARGER.items() for size in sizes]
    print(f"| | {' | '.join(columns)} |")
    print("|---|" + "---:|" * len(columns))
    for name, measure in MEASUREMENTS.items():
        share = 4 if name == EXACT else 1
        base = seconds(measure, clock, options.cell, share, **BASE)
        cells = [f"{base:.2f}"]
        for what, sizes in LARGER.items():
            for size in sizes:
                took = seconds(measure, clock, options.cell, share, **{**BASE, what: size})
                cells.append(f"{took:.2f} ({math.log(took / base) / math.log(size / BASE[what]):.1f})")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
    largest = {"steps": 1000, "units": 512, "layers": 1}
    took = seconds(MEASUREMENTS[RANDOM], clock, options.cell, **largest, repeats=1)
    print(f"\n{RANDOM}, 1,000 steps of 512 units: {took:.0f} s")


def seconds(
    measure: Callable[[rnncore.LanguageModel, str], object],
    clock: Callable[[], float],
    cell: str,
    share: int = 1,
    *,
    steps: int,
    units: int,
    layers: int,
    repeats: int = 2,
) -> float:
    """Return the shortest time of ``repeats``."""
    vocabulary = rnncore.Vocabulary("characters", tuple(SYMBOLS))
    model = rnncore.build(cell, vocabulary=vocabulary, layers=layers, units=units // share)
    text = "".join(random.Random(0).choices(SYMBOLS, k=steps))
    times = []
    for _ in range(repeats):
        start = clock()
        measure(model, text)
        times.append(clock() - start)
    return min(times)


if __name__ == "__main__":
    main()
