"""How long it takes to score every signal of every unit of a model on a long text, and in how much memory.

python benchmarks/units.py [--units 512] [--characters 1000000] [--positions 60000] [--threads 2]

A model of two layers with random weights, all signals, 25 features, control by shifted labels, and two untrained models
of the same shape. The target, on two cores, is 3 minutes and 4 GB for 1,000,000 characters.
"""

from __future__ import annotations

import argparse
import resource
import time

import torch

import rnncore
from rnncore import analysis
from rnncore.training import corpora

PATTERNS = (
    r"\bself\b",
    r"\bdef\b.*",
    r"^\s*return\b",
    "[0-9]",
    "==",
    "=",
    ",",
    r"\bNone\b",
    r"_\w+",
    r"\.\w+",
    "[A-Z]",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=int, default=512)
    parser.add_argument("--characters", type=int, default=1_000_000)
    parser.add_argument("--positions", type=int, default=60_000)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    text = corpora.standard_library().text[: options.characters]
    model = rnncore.build("lstm", vocabulary=rnncore.Vocabulary.characters(text), units=options.units, seed=1)
    features = [*analysis.suiting("python"), *map(analysis.matching, PATTERNS)][:25]
    began = last = time.perf_counter()

    def lap(what: str) -> None:
        nonlocal last
        now = time.perf_counter()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(f"{what:32} {now - last:7.1f} s   peak {peak:.2f} GB", flush=True)
        last = now

    y = analysis.labels(features, model.vocabulary, text)
    lap(f"{len(features)} features")
    seen = analysis.sample(model, text, positions=options.positions)
    lap(f"reading {len(text):,} characters")
    found = analysis.scores(seen, features, y)
    lap(f"{found.rank[0].size:,} scores")
    del seen
    for number in range(analysis.untrained_models(model)):
        fresh = analysis.sample(analysis.untrained(model, number), text, positions=options.positions // 4)
        analysis.scores(fresh, features, y, shifts=0)
        lap(f"untrained model {number + 1}")
    print(f"{'in all':32} {time.perf_counter() - began:7.1f} s   target 180 s, 4 GB")


if __name__ == "__main__":
    main()
