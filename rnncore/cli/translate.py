"""The commands of translators: one that translates, one that trains, one that measures."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rnncore.cli.reading import File, Text, text_of
from rnncore.cli.screen import Json, first, print_json, say, working, write
from rnncore.cli.training import (
    LEARNING,
    MODEL,
    Clip,
    Decay,
    Dropout,
    LearningRate,
    Precision,
    RecurrentCell,
    Resume,
    Steps,
    Threads,
    Warmup,
    WeightDecay,
    followed,
    option,
)

if TYPE_CHECKING:
    import rnncore

translate = typer.Typer(
    cls=first("text"),
    help="Translate with an encoder and a decoder, train them, and measure how good they are.\n\n"
    "`translate MODEL TEXT` is short for `translate text MODEL TEXT`.",
)

Translator = Annotated[str, typer.Argument(metavar="MODEL", help="A pretrained translator, or its folder.")]
Width = Annotated[int, typer.Option("--beam", min=1, help="Hypotheses followed side by side; 1 is greedy.")]
Penalty = Annotated[float, typer.Option(help="Power of the length by which a hypothesis' log probability is divided.")]


@translate.command(epilog="Example: rnncore translate dates-attention 'Friday, 5th of March 2021'")
def text(
    model: Translator,
    text: Text = None,
    file: File = None,
    width: Width = 5,
    length_penalty: Penalty = 1.0,
    as_json: Json = False,
) -> None:
    """Translate a text, line by line. JSON has every hypothesis, and where the decoder looked."""
    from rnncore.seq2seq import beam, load

    lines, translator = text_of(text, file).splitlines(), load(model)
    found = []
    with working(f"{translator.name} translates") as report:
        for number, line in enumerate(lines, 1):
            ids = translator.source.encode(line)
            unseen = int((ids == 1).sum())
            if unseen:
                say(f"note: line {number} has {unseen} tokens that {translator.name} has never seen")
            hypotheses = beam(translator, ids, width=width, length_penalty=length_penalty).hypotheses
            report(number, len(lines))
            if as_json:
                found.append(
                    {
                        "source": line,
                        "tokens": [translator.source.symbols[token] for token in ids],
                        "translations": [
                            {
                                "text": translator.target.decode(one.ids),
                                "tokens": [translator.target.symbols[token] for token in one.ids],
                                "score": one.score,
                                "attention": one.attention.tolist(),
                            }
                            for one in hypotheses
                        ],
                    }
                )
            else:
                write(translator.target.decode(hypotheses[0].ids) + "\n")
    if as_json:
        print_json({"model": translator.name, "lines": found})


@translate.command(epilog="Example: rnncore translate train dates --tokens characters --units 128 --steps 2000")
def train(
    pairs: Annotated[str, typer.Argument(help="dates, multi30k-de-en, or a file: source, tab, target on each line.")],
    folder: Annotated[Path | None, typer.Option(help="The run's folder.", show_default="runs/PAIRS")] = None,
    resume: Resume = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON at every validation.")] = False,
    cell: RecurrentCell = "gru",
    attention: Annotated[str, option("none, additive, dot, general or concat.", MODEL)] = "additive",
    encoder_layers: Annotated[int, option("Layers of the encoder.", MODEL)] = 1,
    decoder_layers: Annotated[int, option("Layers of the decoder.", MODEL)] = 1,
    units: Annotated[int, option("Width of each layer, in each direction.", MODEL)] = 256,
    bidirectional: Annotated[bool, option("Whether the encoder also reads from the end.", MODEL)] = True,
    embedding: Annotated[int, option("Width of a token's vector.", MODEL)] = 128,
    input_feeding: Annotated[bool, option("Feed what was read into the next step.", MODEL, "--input-feeding")] = False,
    coverage: Annotated[bool, option("Let scores see what was read before.", MODEL, "--coverage")] = False,
    dropout: Dropout = 0.0,
    tokens: Annotated[str, option("subwords or characters.", MODEL)] = "subwords",
    vocabulary: Annotated[int, option("Subwords of each language, at most.", MODEL)] = 8000,
    steps: Steps = 2000,
    batch: Annotated[int, option("Sentences in each.", LEARNING)] = 64,
    learning_rate: LearningRate = 2e-3,
    warmup: Warmup = 200,
    decay: Decay = "cosine",
    weight_decay: WeightDecay = 0.01,
    clip: Clip = 1.0,
    smoothing: Annotated[float, option("Share of the target spread over all tokens.", LEARNING)] = 0.0,
    seed: Annotated[int, option("Of weights, batches and dropout.", LEARNING)] = 0,
    validate_every: Annotated[int, option("Steps between validations.", LEARNING)] = 200,
    probe: Annotated[str, option("A file of pairs to look at while it learns.", LEARNING)] = "",
    precision: Precision = "float32",
    threads: Threads = None,
) -> None:
    """Train a translator on pairs of sentences.

    Ctrl-C pauses; the same command with --resume goes on, and ends with the weights of a training that was never
    interrupted.
    """
    options = dict(locals())
    folder = folder or Path("runs") / Path(pairs).name.split(".")[0]

    def begin(note: Callable[[str], None]) -> Generator[rnncore.Progress, None, None]:
        from rnncore import seq2seq
        from rnncore.training import corpora

        if probe:
            options["probe"] = corpora.load(Path(probe)).text
        parts = seq2seq.Seq2SeqConfig, seq2seq.TranslationConfig
        shape, learning = (
            {field.name: options[field.name] for field in fields(part) if field.name in options} for part in parts
        )
        config = seq2seq.TranslationConfig(**learning | {"folder": folder, "model": parts[0](**shape)})
        if resume and not (folder / "run.json").exists():
            note(f"nothing to resume in {folder} yet: a new training begins")
        return seq2seq.train(config, seq2seq.load_pairs(pairs), resume)

    finished = followed(begin, folder, threads, as_json)
    say(
        f"Done: {finished['validation']:.4f} nats per token on held-out sentences, at step {finished['best_step']}. "
        f"The translator is in {folder}; try: rnncore translate evaluate {folder} {pairs}"
    )


@translate.command(epilog="Example: rnncore translate evaluate dates-attention dates")
def evaluate(
    model: Translator,
    pairs: Annotated[str, typer.Argument(help="dates, multi30k-de-en, or a file of pairs; its test part is read.")],
    part: Annotated[str, typer.Option(help="validation or test.")] = "validation",
    width: Width = 5,
    length_penalty: Penalty = 1.0,
    as_json: Json = False,
) -> None:
    """Measure translations against their references: BLEU and chrF with their signatures, and exact matches."""
    from rnncore import seq2seq

    translator, data = seq2seq.load(model), seq2seq.load_pairs(pairs)
    if part not in ("validation", "test"):
        raise typer.BadParameter(f"--part is validation or test, not {part!r}")
    sources, references = zip(*getattr(data, part), strict=True)
    options: dict[str, Any] = {"width": width, "length_penalty": length_penalty}
    with working(f"{translator.name} translates") as report:
        written = [line for line, _ in seq2seq.translations(translator, sources, **options, progress=report)]
    found = seq2seq.quality(written, references)
    if as_json:
        return print_json({"model": translator.name, "pairs": data.name, "part": part, **options, **asdict(found)})
    return write(
        f"{found.count} sentences: BLEU {found.bleu:.2f}, chrF {found.chrf:.2f}, exact {found.exact:.2%}\n"
        f"{found.bleu_signature}\n{found.chrf_signature}\n"
    )
