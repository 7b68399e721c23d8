"""Make a finished run a pretrained model: ``python pretrained/publish.py RUN NAME``.

The model is stored in float16 and measured as it is stored, read back. Beside it lie its figures, the thinned
history of its training, and a card that tells what it is.
"""

from __future__ import annotations

import json
import math
import platform
import re
import shlex
import shutil
import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer

import rnncore
from rnncore import CheckpointError, Recording, Run, TrainConfig
from rnncore.analysis.saturation import keep, saturation_over_training
from rnncore.cells import find
from rnncore.files import write_atomically, write_json
from rnncore.network import checkpoint
from rnncore.training import corpora
from rnncore.training.corpora import Corpus
from rnncore.training.train import held_out
from rnncore.training.trainer import Split

PRETRAINED = Path(__file__).parent
HISTORY = 1000
"""Rows of the history to keep, beside the validations."""

PROBES, PROBE_BYTES = 16, 300_000
"""Recordings of the probe to keep, and the space for all of them."""


def publish(
    run: Annotated[Path, typer.Argument(help="The folder of a finished run.")],
    name: Annotated[str, typer.Argument(help="What the model is to be called.")],
    corpus: Annotated[str | None, typer.Option(help="The run's corpus, if the run names a file.")] = None,
    sweep: Annotated[Path | None, typer.Option(help="How its learning rate was chosen: table.json, or runs.")] = None,
    baseline: Annotated[list[str] | None, typer.Option(help="'nanoGPT, 10.6M parameters=1.4697', in nats.")] = None,
    stream: Annotated[int, typer.Option(min=1000, help="Symbols of held-out text in a stream, at least.")] = 100_000,
    into: Annotated[Path, typer.Option(help="The folder of pretrained models.")] = PRETRAINED,
) -> None:
    """Publish the run in RUN as the pretrained model NAME."""
    try:
        rows = read_sweep(sweep) if sweep else []
        folder = make(Run(run), into / name, corpus, rows, baseline or [], stream)
    except rnncore.Error as error:
        sys.exit(f"publish: {error}")
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    typer.echo(f"{folder} is published, {size / 1e6:.1f} MB; read its CARD.md")


def make(
    run: Run,
    folder: Path,
    corpus: str | None,
    sweep: list[dict[str, Any]],
    baselines: list[str],
    stream: int = 100_000,
) -> Path:
    """Write the model of ``run`` into ``folder``, replacing what was there; return ``folder``."""
    model = checkpoint.load(run.folder)
    history = rows_of(run.folder / "history.jsonl")
    if not history or "config" not in run.config:
        raise CheckpointError(f"{run.folder} is no training's folder; train with `rnncore train --folder {run.folder}`")
    config = TrainConfig(**run.config["config"] | {"folder": folder, "device": "cpu"})
    text = same_corpus(run, corpus)

    model.name = folder.name
    new = folder.with_name(f".{folder.name}")  # a model is replaced whole
    shutil.rmtree(new, ignore_errors=True)
    checkpoint.save(model, new, {**run.config, "command": command(run), **versions()}, half=True)
    write_json(new / "run.json", {**run.config, "command": command(run)})
    write_rows(new / "history.jsonl", thinned(history))
    write_rows(new / "samples.jsonl", [{"step": step, "text": sample} for step, sample in run.samples])
    keep_probes(run, new / "probes")
    keep_saturation(run, new)
    figures = measure(replace(config, folder=new), text, run, history, stream)
    write_json(new / "metrics.json", figures)
    write_atomically(new / "CARD.md", card(model, config, text, run, figures, sweep, baselines).encode())
    shutil.rmtree(folder, ignore_errors=True)
    return new.rename(folder)


def same_corpus(run: Run, name: str | None) -> Corpus:
    """Return the text that the run was trained on."""
    data = run.config["data"]
    found = corpora.load(name or data["name"])
    if found.sha256 != data["sha256"]:
        raise CheckpointError(
            f"the run was trained on {data['name']} with SHA-256 {data['sha256'][:12]}…, but this text has "
            f"{found.sha256[:12]}…; give the same text with --corpus"
        )
    return replace(found, name=data["name"], source="" if name else found.source)  # not where it lay


def command(run: Run) -> str:
    """Return the command that made the run, or the same one made anew from its config; not where the run lay."""
    config, words = dict(run.config["config"]), ["rnncore", "train", run.config["data"]["name"]]
    for probe in sorted((PRETRAINED / "probes").glob("*.txt")):
        if probe.read_text("utf-8") == config["probe"]:
            config["probe"] = f"pretrained/probes/{probe.name}"
    for field in fields(TrainConfig):
        if field.name != "folder" and config.get(field.name, field.default) != field.default:
            words += [f"--{field.name.replace('_', '-')}", str(config[field.name])]
    return re.sub(r"--folder \S+", f"--folder runs/{run.folder.name}", run.config.get("command") or shlex.join(words))


def versions() -> dict[str, str]:
    """Return the versions of what the model was published with."""
    return {"rnncore": rnncore.__version__, "torch": torch.__version__, "python": platform.python_version()}


def measure(
    config: TrainConfig, corpus: Corpus, run: Run, history: list[dict[str, Any]], stream: int
) -> dict[str, Any]:
    """Return the figures of the published weights, in nats per symbol and bits per character."""
    model = checkpoint.load(config.folder)
    split = Split.of(torch.from_numpy(model.vocabulary.encode(corpus.text)), config)
    figures: dict[str, Any] = {}
    for part, nats in held_out(config, split, stream).items():
        ids = getattr(split, part).tolist()
        figures[part] = nats
        figures[f"{part}_bits_per_character"] = nats / math.log(2) * len(ids) / len(model.vocabulary.decode(ids))
    steps = history[-1]["step"]
    length = min(config.length, (len(split.train) - 1) // config.batch)
    if config.probe:
        ids = model.vocabulary.tokenize(config.probe)
        figures["golden"] = {"text": config.probe, "nats": -rnncore.score(model, config.probe) / (len(ids) - 1)}
    return figures | {
        "parameters": model.parameter_count,
        "best_step": run.metrics.get("best_step", steps),
        "steps": steps,
        "seconds": run.metrics.get("seconds", history[-1]["seconds"]),
        "tokens_seen": steps * config.batch * length,
    }


# What is kept of the training


def thinned(history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return at most ``HISTORY`` evenly spaced rows, the first and last among them, and every validation."""
    spaced = set(np.linspace(0, len(history) - 1, min(HISTORY, len(history))).round().astype(int).tolist())
    validations = {number for number, row in enumerate(history) if row["validation"] is not None}
    room = max(2, HISTORY - len(validations))
    if len(spaced | validations) > HISTORY:
        spaced = set(np.linspace(0, len(history) - 1, room).round().astype(int).tolist())
    return [history[number] for number in sorted(spaced | validations)]


def doubling(steps: list[int], most: int) -> list[int]:
    """Return at most ``most`` of ``steps``: the first, the last, and between them the nearest to doubling ones."""
    if len(steps) <= most:
        return steps
    wanted = [0, *np.geomspace(1, steps[-1] + 1, most - 1) - 1]
    return sorted({min(steps, key=lambda step: abs(math.log((step + 1) / (goal + 1)))) for goal in wanted})


def keep_probes(run: Run, folder: Path) -> None:
    """Write the probe's recordings without their signals, as many as there is space for."""
    folder.mkdir()
    files = dict(run.probes)
    kept = doubling(list(files), PROBES)
    while kept:
        for file in folder.iterdir():
            file.unlink()
        for step in kept:
            recording = Recording.load(files[step])
            replace(recording, values={}).save(folder / files[step].name)
        size = sum(file.stat().st_size for file in folder.iterdir())
        if size <= PROBE_BYTES or len(kept) <= 2:
            return
        kept = doubling(list(files), max(2, int(len(kept) * PROBE_BYTES / size)))


def keep_saturation(run: Run, folder: Path) -> None:
    """Write how often each gate was saturated on the probe as the model learned, if it has gates and a probe."""
    gates = find(run.config["config"]["cell"]).gates
    if run.probes and any(math.isfinite(gate.low) and math.isfinite(gate.high) for gate in gates):
        steps = doubling([step for step, _ in run.probes], PROBES)
        keep(saturation_over_training(run, steps=steps), folder)


def rows_of(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a file of JSON lines; none if there is no such file."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows as JSON lines."""
    write_atomically(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode())


def read_sweep(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a sweep: of a JSON table as they stand, or of a folder of runs one each."""
    if path.is_dir():
        runs = [Run(file.parent) for file in sorted(path.glob("*/run.json"))]
        keys = ("cell", "learning_rate", "steps")
        return [
            {key: run.config["config"][key] for key in keys} | {"validation": run.metrics.get("validation")}
            for run in runs
        ]
    try:
        rows = json.loads(path.read_text("utf-8"))
        if not all({"learning_rate", "validation"} <= row.keys() for row in rows):
            raise ValueError("a row lacks learning_rate or validation")
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise CheckpointError(f"{path} is no table of a sweep: {error}") from error
    return list(rows)


# The card


def card(
    model: rnncore.LanguageModel,
    config: TrainConfig,
    corpus: Corpus,
    run: Run,
    figures: dict[str, Any],
    sweep: list[dict[str, Any]],
    baselines: list[str],
) -> str:
    """Return the model's card, in Markdown."""
    symbols = f"{len(model.vocabulary)} {model.vocabulary.kind}"
    shares = [1 - config.validation - config.test, config.validation, config.test]
    split = ", ".join(
        f"{part} {100 * share:.3g}%" for part, share in zip(("training", "validation", "test"), shares, strict=True)
    )
    layers = "one layer" if config.layers == 1 else f"{config.layers} layers"
    unfinished = "" if figures["steps"] == config.steps else f" of {config.steps:,} planned"
    return "\n".join(
        [
            f"# {model.name}",
            "",
            f"{find(config.cell).title} language model, predicts the next of {symbols}: {layers} of {config.units} "
            f"units, {figures['parameters']:,} parameters, stored in float16.",
            "",
            "## How it was made",
            "",
            *("```sh", command(run), "```"),
            "",
            f"{figures['steps']:,} steps{unfinished} in {figures['seconds'] / 60:.0f} minutes, "
            f"{figures['tokens_seen']:,} symbols read; the weights are those of step {figures['best_step']:,}, "
            f"where the validation loss was lowest. Seed {config.seed}. Published with rnncore "
            f"{rnncore.__version__} and torch {torch.__version__}.",
            "",
            *sweep_section(sweep, config),
            "## Data",
            "",
            f"{corpus.title or corpus.name}, {len(corpus.text):,} characters. "
            f"Licence: {corpus.licence or 'not stated'}. Source: {corpus.source or 'not stated'}.  ",
            f"SHA-256 of the text: `{corpus.sha256}`  ",
            f"Split in the order of {'the text' if config.passages == 1 else f'each of {config.passages} passages'}: "
            f"{split}.",
            "",
            *figures_section(figures, baselines),
            *samples_section(run.samples),
            "## Limits",
            "",
            f"It has read {corpus.name} and nothing else: it knows the look of that text, not what it says, and "
            "may repeat passages of it. A symbol that is not among its "
            f"{symbols} is read as nothing and gets no probability. One training with one seed; another seed "
            "would differ a little in its loss, and in which unit does what.",
            "",
        ]
    )


def sweep_section(sweep: list[dict[str, Any]], config: TrainConfig) -> list[str]:
    """Return how the learning rate was chosen, if that is known."""
    rows = sorted(
        (row for row in sweep if row.get("cell", config.cell) == config.cell),
        key=lambda row: (row.get("steps", 0), row["learning_rate"]),
    )
    if not rows:
        return []
    chosen = {True: "**", False: ""}
    section = ["Learning rates that were tried, on the same windows from the same seed; in bold the one used:", ""]
    section += ["| learning rate | steps | validation, nats |", "|---:|---:|---:|"]
    for row in rows:
        bold = chosen[row["learning_rate"] == config.learning_rate]
        loss = "not finite" if row["validation"] is None else f"{row['validation']:.4f}"
        section.append(f"| {bold}{row['learning_rate']:g}{bold} | {row.get('steps', '')} | {loss} |")
    return [*section, ""]


def figures_section(figures: dict[str, Any], baselines: list[str]) -> list[str]:
    """Return the table of losses, with what others reach beside them."""
    measured = [
        f"| {part} | {figures[part]:.4f} | {figures[f'{part}_bits_per_character']:.4f} |"
        for part in ("validation", "test")
        if part in figures
    ]
    others = [
        f"| {name}, validation | {float(nats):.4f} | |" for name, _, nats in (row.rpartition("=") for row in baselines)
    ]
    return ["## Figures", "", "| | nats per symbol | bits per character |", "|---|---:|---:|", *measured, *others, ""]


def samples_section(samples: list[tuple[int, str]]) -> list[str]:
    """Return what the model wrote at the start, in the middle and at the end of its training."""
    if not samples:
        return []
    chosen = dict([samples[0], samples[len(samples) // 2], samples[-1]])
    section = ["## What it wrote, as it learned", ""]
    for step, text in chosen.items():
        section += [f"Step {step}:", "", *(f"    {line}" for line in text.splitlines()), ""]
    return section


if __name__ == "__main__":
    typer.run(publish)
