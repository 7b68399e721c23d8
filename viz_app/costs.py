"""What a cell costs: weights, multiply-adds a step, and how many steps this machine does in a second."""

from __future__ import annotations

import statistics
import time
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from rnncore.cells import Cell, silent
from rnncore.network import fused

TIME, STREAMS = 64, 32
"""What is measured: so many steps of so many texts side by side, as in a training."""


def multiply_adds(cell: type[Cell], inputs: int, units: int) -> int:
    """Return the multiply-adds of one step's matrix products, counted as torch runs it without computing."""
    with torch.device("meta"):
        layer = cell(inputs, units)
        x = torch.zeros(1, inputs)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        layer.settled().step(x, layer.start(1), silent)
    return int(counter.get_total_flops()) // 2


class Speed(NamedTuple):
    """Steps a second of one layer, ``STREAMS`` texts side by side: only reading, and with the way back."""

    reading: float
    learning: float


def measure(cell: type[Cell], inputs: int, units: int, seconds: float = 0.25) -> Speed:
    """Time a layer with random weights on this machine, one thread's worth of ``seconds`` for each of the two."""
    generator = torch.Generator().manual_seed(0)
    layer = cell(inputs, units)
    layer.initialise(generator)
    xs = torch.randn(TIME, STREAMS, inputs, generator=generator)

    def read() -> Tensor:
        return fused.run(layer, xs, layer.start(STREAMS))[0]

    def learn() -> None:
        read().square().mean().backward()  # type: ignore[no-untyped-call]

    with torch.no_grad():
        reading = _steps_a_second(read, seconds)
    return Speed(reading, _steps_a_second(learn, seconds))


def _steps_a_second(run: object, seconds: float) -> float:
    assert callable(run)
    run()  # the first time prepares what later ones use
    times: list[float] = []
    until = time.perf_counter() + seconds
    while len(times) < 3 or (time.perf_counter() < until and len(times) < 50):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return TIME / statistics.median(times)
