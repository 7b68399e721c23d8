"""How fast we look inside, against torch's own kernels that show nothing: ratios, measured side by side in one run.

python benchmarks/speed.py [--quick] [--threads 2] [--repeats 5] [--cpu-time]

Every line is the median of the ratios of runs made in turn, with the target beside it; at the end stands a table of
them, each from the lowest to the highest over the shapes of the batch. `--quick` takes the smallest width and short
texts only. `--cpu-time` counts this process' own seconds instead of the clock's, for a machine that others work on; it
is meaningful with one thread.
"""

from __future__ import annotations

import argparse
import copy
import random
import statistics
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import nn

import rnncore
from rnncore.network import fused
from rnncore.network.adjoint import adjoint
from rnncore.network.signals import Reader
from rnncore.network.units import signals_of_unit

MODULES = {"lstm": nn.LSTM, "gru": nn.GRU, "elman": nn.RNN}
SHAPES = ((2000, 1), (256, 32), (100, 64))
WIDTHS = (128, 512, 1024)
SYMBOLS = "".join(map(chr, range(32, 97)))


class Row(NamedTuple):
    """What is compared: ours and theirs, and the ratio of times, ours to theirs, that is the aim."""

    cell: str
    units: int
    where: str
    what: str
    ours: Callable[[], object]
    theirs: Callable[[], object]
    target: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--cpu-time", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    clock = time.process_time if options.cpu_time else time.perf_counter
    widths, shapes = (WIDTHS[:1], ((500, 1), (64, 32))) if options.quick else (WIDTHS, SHAPES)
    print(f"torch {torch.__version__}, {options.threads} threads, float32; times of ours / theirs, and the aim")
    found: dict[tuple[str, str, float], dict[int, list[float]]] = {}
    for row in rows(widths, shapes, options.quick):
        ratio, mine, theirs = measure(row, options.repeats, clock)
        name, verdict = f"{row.cell} {row.units}, {row.where}: {row.what}", "" if ratio <= row.target else "  missed"
        print(
            f"{name:58} {mine * 1e3:9.1f} / {theirs * 1e3:9.1f} ms = {ratio:5.2f}  <= {row.target:.2f}{verdict}",
            flush=True,
        )
        found.setdefault((row.what, row.cell, row.target), {}).setdefault(row.units, []).append(ratio)
    print(f"\n| ours / torch's | cell | aim | {' | '.join(f'{units} units' for units in widths)} |")
    print("|---|---|---:|" + "---:|" * len(widths))
    for (what, cell, target), ratios in found.items():
        print(f"| {what} | {cell} | {target:.2f} | {' | '.join(span(ratios[units]) for units in widths)} |")


def span(ratios: list[float]) -> str:
    """Return the lowest and the highest of some ratios."""
    low, high = f"{min(ratios):.2f}", f"{max(ratios):.2f}"
    return low if low == high else f"{low} to {high}"


def measure(row: Row, repeats: int, clock: Callable[[], float]) -> tuple[float, float, float]:
    """Return the median ratio, and both medians in seconds."""
    times: list[tuple[float, float]] = []
    for _ in range(repeats + 1):
        start = clock()
        row.ours()
        between = clock()
        row.theirs()
        times.append((between - start, clock() - between))
    ours, theirs = zip(*times[1:], strict=True)  # the first warms up
    return statistics.median(a / b for a, b in times[1:]), statistics.median(ours), statistics.median(theirs)


def rows(widths: tuple[int, ...], shapes: tuple[tuple[int, int], ...], quick: bool) -> Iterator[Row]:
    for units in widths:
        for steps, batch in shapes:
            for name in MODULES:
                yield from layer_rows(name, units, steps, batch)
        yield from model_rows(units, 100 if quick else 300)


def layer_rows(name: str, units: int, steps: int, batch: int) -> Iterator[Row]:
    """Compare one layer with torch's module of the same weights."""
    torch.manual_seed(0)
    module = MODULES[name](units, units)
    cell = rnncore.cells()[name](units, units)
    cell.load_state_dict({key.removesuffix("_l0"): value for key, value in module.state_dict().items()})
    cell, where = cell.eval().requires_grad_(False), (name, units, f"{steps} x {batch}")
    xs, start, weight = torch.randn(steps, batch, units), cell.start(batch), torch.randn(steps, batch, units)
    wide, double = copy.deepcopy(cell).double(), xs.double()

    @torch.no_grad()
    def forward() -> object:
        return module(xs)

    @torch.no_grad()
    def hidden() -> object:
        return fused.run(cell, xs, start)

    def forward_backward() -> None:
        module.zero_grad()
        (module(xs)[0] * weight).sum().backward()

    def gradients(cell: rnncore.Cell, xs: torch.Tensor) -> object:
        start = cell.start(batch)
        signals = Reader(cell)(xs, start)
        return adjoint(cell, xs, start, {k: signals[k] for k in cell.states}, weight.to(xs), inputs=False)

    states = {symbol: value for symbol, value in Reader(cell)(xs, start).items() if symbol in cell.states}
    yield Row(*where, "hidden states", hidden, forward, 1.1 if name == "lstm" else 1.0)
    yield Row(*where, "every gate and state", lambda: Reader(cell)(xs, start), forward, 2.0)
    yield Row(*where, "gradient norms, in float32", lambda: gradients(cell, xs), forward_backward, 2.0)
    yield Row(*where, "gradient norms, in float64", lambda: gradients(wide, double), forward_backward, 2.0)
    if batch == 1:
        yield Row(*where, "one unit's gates", lambda: signals_of_unit(cell, 3, xs, start, states), forward, 0.05)


class Plain(nn.Module):
    """A language model as torch's users write it."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.embedding, self.lstm = nn.Embedding(len(SYMBOLS), 64), nn.LSTM(64, units, 2)
        self.head = nn.Linear(units, len(SYMBOLS))

    def forward(self, ids: torch.Tensor, state: object = None) -> tuple[torch.Tensor, object]:
        h, state = self.lstm(self.embedding(ids), state)
        return self.head(h), state

    @torch.no_grad()
    def write(self, length: int, batch: int = 1) -> None:
        ids, state = torch.zeros(1, batch, dtype=torch.long), None
        for _ in range(length):
            logits, state = self(ids, state)
            ids = torch.multinomial(logits[0].softmax(-1), 1).view(1, batch)


def model_rows(units: int, length: int) -> Iterator[Row]:
    """Compare whole models: writing and training."""
    torch.manual_seed(0)
    plain = Plain(units)
    vocabulary = rnncore.Vocabulary("characters", tuple(SYMBOLS))
    model = rnncore.build("lstm", vocabulary=vocabulary, layers=2, units=units)
    yield Row(
        "2 x lstm",
        units,
        f"{length} symbols",
        "writing",
        lambda: rnncore.generate(model, "a", length=length, seed=0),
        lambda: plain.write(length),
        1 / 3,
    )
    yield Row(
        "2 x lstm",
        units,
        f"{length // 4} symbols",
        "writing 32 texts",
        lambda: rnncore.generate_many(model, ["a"] * 32, length=length // 4, seed=0),
        lambda: plain.write(length // 4, 32),
        1.0,
    )
    ids = torch.randint(len(SYMBOLS), (65, 32))

    def update(network: nn.Module) -> Callable[[], None]:
        optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)

        def step() -> None:
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(ids[:-1])[0].flatten(0, 1), ids[1:].flatten()).backward()
            optimizer.step()

        return step

    ours, theirs = update(copy.deepcopy(model).train()), update(plain)
    text = "".join(random.Random(0).choices(SYMBOLS, k=100))

    def ten_and_a_recording() -> None:
        for _ in range(10):
            theirs()
        rnncore.record(model, text, gradients=True)

    def ten() -> None:
        for _ in range(10):
            theirs()

    yield Row("2 x lstm", units, "64 x 32", "training", ours, theirs, 1.0)
    what = "training, gradient norms of 100 symbols every 10th step"
    yield Row("2 x lstm", units, "64 x 32", what, ten_and_a_recording, ten, 1.1)


if __name__ == "__main__":
    main()
