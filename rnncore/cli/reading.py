"""The commands that list models, let them write and let them judge a text."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rnncore.cli.screen import Json, decoder, print_json, print_table, quoted, say, working, write
from rnncore.errors import Error

if TYPE_CHECKING:
    import rnncore
    from rnncore import Ablate, Clamp

Model = Annotated[str, typer.Argument(help="A name of `rnncore models`, or a checkpoint's folder.")]
Text = Annotated[str | None, typer.Argument(help="The text; without it, --file or standard input.")]
Clamps = Annotated[
    list[str] | None,
    typer.Option(
        "--clamp", metavar="LAYER:SIGNAL:UNIT=VALUE", help="Hold a unit at a value, as -1:c:7=2.5; repeatable."
    ),
]
Ablations = Annotated[
    list[str] | None,
    typer.Option("--ablate", metavar="LAYER:SIGNAL:UNIT", help="Hold a unit at 0, as 0:h:3 or 0:h:all; repeatable."),
]
File = Annotated[Path | None, typer.Option("--file", help="Read the text from this file; - is standard input.")]


def models(as_json: Json = False) -> None:
    """List the trained models that are here."""
    from rnncore import Run, available
    from rnncore.network import checkpoint
    from rnncore.pretrained import folder

    rows: list[dict[str, Any]] = []
    for name in available():
        try:
            config = checkpoint.read_config(folder() / name)
            data = config["training"].get("data", {}).get("name")
            rows.append({"name": name, **config["model"], "data": data, **Run(folder() / name).metrics})
        except (Error, KeyError, TypeError) as error:
            say(f"rnncore: {error}")
    if as_json:
        return print_json(rows)
    if not rows:
        say(f"No models in {folder()}. Make one: rnncore train stdlib --folder {folder() / 'stdlib-lstm'}")
        return None
    return print_table(
        ("model", "cell", "data", "layers", "units", "parameters", "validation, nats"),
        (
            (
                row["name"],
                row["cell"],
                row["data"] or "",
                str(row["layers"]),
                str(row["units"]),
                f"{row['parameters']:,}" if "parameters" in row else "",
                f"{row['validation']:.4f}" if "validation" in row else "",
            )
            for row in rows
        ),
        left=3,
    )


def generate(
    model: Model,
    prompt: Annotated[str, typer.Argument(help="What the model reads first.")] = "",
    length: Annotated[int, typer.Option(min=0, help="Symbols to write.")] = 500,
    temperature: Annotated[float, typer.Option(help="Divides the logits; 0 takes the likeliest.")] = 1.0,
    top_k: Annotated[int | None, typer.Option(help="Sample among the k likeliest only.")] = None,
    top_p: Annotated[float | None, typer.Option(help="Sample among the likeliest that hold this share.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed writes the same text.", min=0)] = None,
    alternatives: Annotated[int, typer.Option(min=0, help="Likeliest symbols to list in JSON.")] = 5,
    clamp: Clamps = None,
    ablate: Ablations = None,
    as_json: Json = False,
) -> None:
    """Let a model write after a prompt; the text appears as it is made."""
    from rnncore.network.generate import stream

    network = load(model, prompt)
    choices: dict[str, Any] = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "seed": seed}
    choices["interventions"] = interventions(clamp, ablate)
    written = stream(network, prompt, length=length, alternatives=alternatives, **choices)
    if as_json:
        symbols = []
        with working(f"{network.name} writes") as report:
            for step in written:
                symbols.append(step._asdict())
                report(len(symbols), length)
        text = network.vocabulary.join(symbol["token"] for symbol in symbols)
        return print_json({"model": network.name, "prompt": prompt, "text": text, "symbols": symbols})
    read = decoder(network.vocabulary.kind)
    write(prompt)
    for step in written:
        write(read(step.token))
    return write("\n")


def score(
    model: Model,
    text: Text = None,
    file: File = None,
    clamp: Clamps = None,
    ablate: Ablations = None,
    as_json: Json = False,
) -> None:
    """Tell how likely a model finds a text: log-probability in nats, of all after the first symbol.

    For a model that reads both ways it is the pseudo-log-likelihood: each symbol is told from all the others.
    """
    import rnncore

    content = text_of(text, file)
    network = load(model, content)
    with working(f"scoring with {network.name}") as report:
        nats = rnncore.score(network, content, interventions=interventions(clamp, ablate), progress=report)
    tokens = network.vocabulary.tokenize(content)
    each = -nats / (len(tokens) - 1) * len(tokens) / len(content)  # a byte model has several symbols a character
    unknown = network.vocabulary.unknown(content)
    if as_json:
        bits = each / math.log(2)
        figures = {"nats": nats, "nats_per_character": each, "bits_per_character": bits}
        return print_json({"model": network.name, "characters": len(content), **figures, "unknown": unknown})
    if math.isinf(nats):
        return write(f"-inf nats: {network.name} has never seen {quoted(unknown)}, and gives it no probability\n")
    return write(f"{nats:.4f} nats in all, {each:.4f} per character, {each / math.log(2):.4f} bits per character\n")


def load(name: str, text: str) -> rnncore.LanguageModel:
    """Return a model, and say which characters of ``text`` it has never seen."""
    import rnncore

    model = rnncore.load(name)
    if unknown := model.vocabulary.unknown(text):
        say(f"note: {model.name} has never seen {quoted(unknown)}; it reads nothing in their place")
    return model


def interventions(clamps: list[str] | None, ablations: list[str] | None) -> list[Clamp | Ablate]:
    """Return what the options --clamp and --ablate ask for; of two for the same unit the clamp holds."""
    from rnncore import Ablate, Clamp

    found: list[Clamp | Ablate] = [Ablate(*_place(place, place, "LAYER:SIGNAL:UNIT")) for place in ablations or ()]
    for clamp in clamps or ():
        place, _, value = clamp.rpartition("=")
        layer, signal, unit = _place(place, clamp, "LAYER:SIGNAL:UNIT=VALUE")
        try:
            found.append(Clamp(layer, signal, unit, float(value)))
        except ValueError:
            raise typer.BadParameter(f"{value!r} is no number to clamp to; expected LAYER:SIGNAL:UNIT=VALUE") from None
    return found


def _place(place: str, given: str, form: str) -> tuple[int, str, int | None]:
    try:
        layer, signal, unit = place.split(":")
        return int(layer), signal, None if unit == "all" else int(unit)
    except ValueError:
        raise typer.BadParameter(f"{given!r} is no {form}, as in {'-1:c:7=2.5' if '=' in form else '0:h:3'}") from None


def text_of(text: str | None, file: Path | None) -> str:
    """Return the text of the command line, of a file or of standard input."""
    if text is not None and file is not None:
        raise typer.BadParameter("give the text or --file, not both")
    if text is not None:
        return text
    if file is not None and str(file) != "-":
        from rnncore.training import corpora

        return corpora.load(file).text
    if file is None and sys.stdin.isatty():
        raise typer.BadParameter("give a text, --file, or text on standard input")
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as error:
        raise Error(f"standard input is not text in UTF-8 (byte {error.start}); convert it with iconv") from None
