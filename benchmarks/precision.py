"""How much faster a training step is in bfloat16 than in float32, side by side, at the Shakespeare models' sizes.

python benchmarks/precision.py [--steps 12]
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from pathlib import Path

import torch

import rnncore
from rnncore.training.trainer import Split, Trainer

SIZES = {"lstm": 256, "gru": 296, "elman": 516}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=12, help="timed steps of each precision, in turn")
    steps = parser.parse_args().steps
    vocabulary = rnncore.Vocabulary("characters", tuple(map(chr, range(65))))
    text = torch.tensor(random.Random(0).choices(range(65), k=200_000))
    print(f"{torch.get_num_threads()} threads; symbols per second, medians of {steps} steps of 64 x 128 symbols")
    for cell, units in SIZES.items():
        trainers = [_trainer(cell, units, precision, text, vocabulary) for precision in ("float32", "bfloat16")]
        seconds: list[list[float]] = [[], []]
        for step in range(steps + 1):
            for trainer, times in zip(trainers, seconds, strict=True):
                start = time.perf_counter()
                trainer.update()
                if step:  # the first warms up
                    times.append(time.perf_counter() - start)
        plain, half = (64 * 128 / statistics.median(times) for times in seconds)
        print(f"{cell:6} 2 x {units}  float32 {plain:8,.0f}  bfloat16 {half:8,.0f}  ratio {half / plain:.2f}")


def _trainer(cell: str, units: int, precision: str, text: torch.Tensor, vocabulary: rnncore.Vocabulary) -> Trainer:
    config = rnncore.TrainConfig(Path(), cell=cell, units=units, batch=64, length=128, precision=precision)
    model = rnncore.LanguageModel(config.model, vocabulary).initialise(0)
    return Trainer(config, model, Split.of(text, config))


if __name__ == "__main__":
    main()
