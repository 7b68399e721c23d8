"""What a wider model or a longer training brings to the sentiment of reviews.

python benchmarks/sentiment_scaling.py RUN... [--texts 8000] [--out FILE]

Each RUN is a folder of `rnncore train imdb`, finished or not. What its states know of a review is asked as in
`rnncore sentiment`, but of training reviews alone: three quarters to learn from, an eighth to choose by, an eighth to
judge by. The reviews that were held out are not read, so that they stay fit to judge the published model. A RUN may
also be a copy that was made of a run's folder as it trained.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np
import pandas as pd

import rnncore
from rnncore import analysis
from rnncore.analysis.sentiment_probe import accuracy, interval, linear, one_unit
from rnncore.analysis.sentiment_texts import HELD_OUT, TRAIN, VALIDATION
from rnncore.training.reviews import prepare


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--texts", type=int, default=8000)
    parser.add_argument("--precision", default="bfloat16")
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    data = known("imdb", options.texts)
    rows = []
    for folder in options.runs:
        rows.append(row(folder, data, options.precision, options.cache))
        print(*(f"{k} {v if isinstance(v, str) else f'{v:.4g}'}" for k, v in rows[-1].items()), flush=True)
    if options.out:
        pd.DataFrame(rows).round(4).to_csv(options.out, index=False)


def known(name: str, texts: int) -> analysis.Labelled:
    """Return training texts with parts of their own."""
    data, random = analysis.labelled(name), np.random.default_rng(0)
    drawn = random.permutation(data.at(TRAIN))[:texts]
    eighth = len(drawn) // 8
    parts = np.full(len(drawn), TRAIN)
    parts[:eighth], parts[eighth : 2 * eighth] = VALIDATION, HELD_OUT
    return analysis.Labelled(
        name, tuple(data.texts[text] for text in drawn), data.labels[drawn], data.classes, parts.astype(np.int64)
    )


def row(folder: Path, data: analysis.Labelled, precision: str, cache: Path | None) -> dict[str, float | str]:
    """Return what a run read, how well it predicts, and how well it tells good from bad."""
    run, model = rnncore.Run(folder), rnncore.load(str(folder))
    config, validated = run.config["config"], run.history.dropna(subset="validation").iloc[-1]
    states = analysis.final_states(model, data.texts, precision=precision, cache=cache)
    known = [given for part in (TRAIN, VALIDATION) for given in (states[data.at(part)], data.labels[data.at(part)])]
    held, labels = states[data.at(HELD_OUT)], data.labels[data.at(HELD_OUT)]
    reached = {}
    for read, chosen in (("all_units", linear(*known)), ("one_unit", one_unit(*known))):
        share = accuracy(chosen.scores(held), labels)
        reached |= zip(
            (read, f"{read}_low", f"{read}_high"), (share, *interval(share * len(labels), len(labels))), strict=True
        )
    texts = [prepare(text) for text in data.texts[:1000]]
    bytes_each = sum(len(text.encode()) for text in texts) / sum(len(model.vocabulary.tokenize(text)) for text in texts)
    return {
        "reads": model.vocabulary.kind,
        "units": model.config.units,
        "chrono": model.config.chrono or 0,
        "steps": int(validated["step"]),
        "planned": config["steps"],
        "megabytes": validated["step"] * config["batch"] * config["length"] * bytes_each / 1e6,
        "bits_per_byte": validated["validation"] / math.log(2) / bytes_each,
        **reached,
    }


if __name__ == "__main__":
    main()
