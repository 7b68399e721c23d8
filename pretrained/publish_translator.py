"""Make a finished run a pretrained translator: ``python pretrained/publish_translator.py RUN NAME``.

The model is stored in float16 and measured as it is stored, read back: its loss, its translations of the validation
and test parts by beam search, and what its attention maps are worth.
"""

from __future__ import annotations

import re
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from publish import PRETRAINED, rows_of, thinned, versions, write_rows

import rnncore
from rnncore import CheckpointError, Run, seq2seq
from rnncore.files import write_atomically, write_json
from rnncore.seq2seq.pairs import parse
from rnncore.seq2seq.train import evaluate

WIDTH = 5
"""Hypotheses of the beam that is measured."""

EXPLAINED = 200
"""Sentences on which attention is compared with taking source tokens out."""

EDGES = {"dates": (1, 2, 3, 4, 5)}
"""Classes of sentence length, in words; by default every three words up to 18."""


def publish(
    run: Annotated[Path, typer.Argument(help="The folder of a finished run.")],
    name: Annotated[str, typer.Argument(help="What the translator is to be called.")],
    into: Annotated[Path, typer.Option(help="The folder of pretrained models.")] = PRETRAINED,
) -> None:
    """Publish the run in RUN as the pretrained translator NAME."""
    try:
        folder = make(Run(run), into / name)
    except rnncore.Error as error:
        sys.exit(f"publish: {error}")
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    typer.echo(f"{folder} is published, {size / 1e6:.1f} MB; read its CARD.md")


def make(run: Run, folder: Path) -> Path:
    """Write the translator of ``run`` into ``folder``, replacing what was there; return ``folder``."""
    history = rows_of(run.folder / "history.jsonl")
    if not history or "config" not in run.config:
        raise CheckpointError(f"{run.folder} is no training's folder; train with `rnncore translate train`")
    pairs = seq2seq.load_pairs(run.config["data"]["name"])
    if pairs.sha256 != run.config["data"]["sha256"]:
        raise CheckpointError(f"the run was trained on other pairs than {pairs.name} on this machine")
    new = folder.with_name(f".{folder.name}")  # a model is replaced whole
    shutil.rmtree(new, ignore_errors=True)
    model = seq2seq.load(run.folder)
    model.name = folder.name
    command = re.sub(r"--folder \S+", f"--folder runs/{folder.name}", run.config["command"] or "")
    seq2seq.save(model, new, {**run.config, "command": command, **versions()}, half=True)
    write_json(new / "run.json", {**run.config, "command": command})
    write_rows(new / "history.jsonl", thinned(history))
    write_rows(new / "samples.jsonl", rows_of(run.folder / "samples.jsonl"))
    write_rows(new / "attention.jsonl", rows_of(run.folder / "attention.jsonl"))
    figures = measure(seq2seq.load(new), pairs, run, history)
    write_json(new / "metrics.json", figures)
    write_atomically(new / "CARD.md", card(model, pairs, run, command, figures).encode())
    shutil.rmtree(folder, ignore_errors=True)
    return new.rename(folder)


def measure(model: seq2seq.Seq2Seq, pairs: seq2seq.Pairs, run: Run, history: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the figures of the published weights on held-out sentences."""
    figures: dict[str, Any] = {"parameters": model.parameter_count, "steps": history[-1]["step"]}
    probe = parse(run.config["config"]["probe"])
    figures["golden"] = {"pairs": probe, "nats": evaluate(model, probe)}
    figures |= {key: run.metrics[key] for key in ("best_step", "seconds") if key in run.metrics}
    for part in ("validation", "test"):
        sources, references = zip(*getattr(pairs, part), strict=True)
        found = seq2seq.translations(model, sources, width=WIDTH)
        written = [line for line, _ in found]
        figures[part] = evaluate(model, getattr(pairs, part))
        figures[f"{part}_quality"] = asdict(seq2seq.quality(written, references))
    greedy = [line for line, _ in seq2seq.translations(model, sources, width=1)]
    figures["test_greedy"] = asdict(seq2seq.quality(greedy, references))
    figures["test_lowercase"] = asdict(seq2seq.quality(written, references, lowercase=True))
    edges = EDGES.get(pairs.name, (6, 9, 12, 15, 18))
    figures["test_by_length"] = seq2seq.by_length(sources, written, references, edges).to_dict("records")
    if model.attention is None:
        return figures
    maps = [one.attention for _, one in found]
    removed = [
        seq2seq.removal(model, model.source.encode(source), one.ids)
        for source, (_, one) in zip(sources[:EXPLAINED], found, strict=False)
    ]
    figures["explanation"] = asdict(seq2seq.explanation(zip(maps, removed, strict=False)))
    if pairs.name == "dates":
        truths = seq2seq.dates(seed=0)[2]
        right = [
            (weights, one.alignment)
            for weights, one, line in zip(maps, truths, written, strict=True)
            if line == one.target
        ]
        figures["alignment"] = asdict(seq2seq.alignment(right))
    return figures


def card(model: seq2seq.Seq2Seq, pairs: seq2seq.Pairs, run: Run, command: str, figures: dict[str, Any]) -> str:
    """Return the translator's card, in Markdown."""
    config, test = model.config, figures["test_quality"]
    title = "no attention" if model.attention is None else f"{model.attention.title.lower()} attention"
    lengths = [
        f"| {row['first']} to {row['last']} | {row['count']} | {row['bleu']:.1f} | {row['exact']:.1%} |"
        for row in figures["test_by_length"]
    ]
    worth = []
    if "explanation" in figures:
        found = figures["explanation"]
        worth.append(
            f"Is attention explanation? Over {found['rows']:,} target tokens, its weights rank the source tokens as "
            f"taking each out does with a mean Spearman correlation of {found['rank']:.2f}; the largest weight lies on "
            f"the token that matters most in {found['agree']:.0%} of them (at random: {found['chance']:.0%})."
        )
    if "alignment" in figures:
        found = figures["alignment"]
        worth.append(
            f"Against the true alignment, over {found['rows']:,} characters of right answers: {found['mass']:.1%} of "
            f"the weights lie on the characters that tell the answer (weights all alike: {found['chance']:.1%}), and "
            f"the largest weight does in {found['hits']:.1%}."
        )
    return "\n".join(
        [
            f"# {model.name}",
            "",
            f"Encoder and decoder with {title}: {config.cell}, {config.encoder_layers} and {config.decoder_layers} "
            f"layers of {config.units} units, {figures['parameters']:,} parameters, stored in float16. It reads "
            f"{len(model.source):,} and writes {len(model.target):,} different {model.source.kind}.",
            "",
            "## How it was made",
            "",
            *("```sh", command, "```"),
            "",
            f"{figures['steps']:,} steps in {figures['seconds'] / 60:.0f} minutes; the weights are those of step "
            f"{figures['best_step']:,}, where the validation loss was lowest. Published with rnncore "
            f"{rnncore.__version__}.",
            "",
            "## Data",
            "",
            f"{pairs.title}: {len(pairs.train):,} pairs to train on, {len(pairs.validation):,} to validate, "
            f"{len(pairs.test):,} to test, none in two parts.  ",
            f"SHA-256 of the pairs: `{pairs.sha256}`",
            "",
            "## Figures",
            "",
            f"Beam of {WIDTH}, test part, touched once:",
            "",
            "| | nats per token | BLEU | chrF | exact |",
            "|---|---:|---:|---:|---:|",
            *(
                f"| {part} | {figures[part]:.4f} | {figures[f'{part}_quality']['bleu']:.2f} | "
                f"{figures[f'{part}_quality']['chrf']:.2f} | {figures[f'{part}_quality']['exact']:.2%} |"
                for part in ("validation", "test")
            ),
            f"| test, greedy | | {figures['test_greedy']['bleu']:.2f} | {figures['test_greedy']['chrf']:.2f} | "
            f"{figures['test_greedy']['exact']:.2%} |",
            "",
            f"`{test['bleu_signature']}`, `{test['chrf_signature']}`",
            "",
            "By length of the source, in words:",
            "",
            *("| words | sentences | BLEU | exact |", "|---|---:|---:|---:|", *lengths, ""),
            *(line for sentence in worth for line in (sentence, "")),
        ]
    )


if __name__ == "__main__":
    typer.run(publish)
