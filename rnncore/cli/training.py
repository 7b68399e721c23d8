"""The commands that train: the corpora, and a training with its progress."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, no_type_check

import typer
from rich.console import Console
from rich.progress import DownloadColumn, TextColumn, TransferSpeedColumn

from rnncore.cli.screen import Json, bar, print_json, print_table, say, write

if TYPE_CHECKING:
    import rnncore

data = typer.Typer(help="List the corpora, or download one.", invoke_without_command=True)


@data.callback()
@no_type_check  # typer passes the parent class of what it wants to see here
def corpora_list(ctx: typer.Context, as_json: Json = False) -> None:
    """List the corpora that are known by name."""
    if ctx.invoked_subcommand:
        return None
    from rnncore.training import corpora

    entries = [(entry, corpora.at_hand(entry)) for entry in corpora.catalogue.values()]
    if as_json:
        names = ("name", "title", "licence", "source", "size", "text")
        return print_json([{name: getattr(entry, name) for name in names} | {"here": here} for entry, here in entries])
    print_table(
        ("name", "what", "licence", "here", "MB"),
        ((e.name, e.title, e.licence, "yes" if here else "no", f"{e.size / 1e6:.1f}") for e, here in entries),
        left=4,
    )
    return say("\nAlways here: stdlib, the source of Python's standard library. Any text file will do as well.")


@data.command("get", epilog="Example: rnncore data get shakespeare")
def corpora_get(name: Annotated[str, typer.Argument(help="A corpus of `rnncore data`.")]) -> None:
    """Download a corpus; after an interruption, the same command goes on where it stopped."""
    from rnncore.training import corpora

    with bar(DownloadColumn(), TransferSpeedColumn()) as progress:
        task = progress.add_task(name, total=None)
        for arrived in corpora.download(name):
            progress.update(task, completed=arrived.done, total=arrived.total)
    say(f"{name} is here:")
    for file in corpora.catalogue[name].files:
        typer.echo(corpora.find(file))


def option(text: str, panel: str, *names: str) -> Any:
    """Return an option of a training, listed in a panel of the command's help."""
    return typer.Option(*names, help=text, rich_help_panel=panel)


MODEL, LEARNING, HELD_OUT, PROBE, MACHINE = "The model", "Learning", "Held-out text", "Watching", "The machine"

# What every training asks.
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run in the folder, also for more steps.")]
RecurrentCell = Annotated[str, option("The recurrence.", MODEL)]
Dropout = Annotated[float, option("Share of each layer's outputs dropped in training.", MODEL)]
Steps = Annotated[int, option("Updates.", LEARNING)]
LearningRate = Annotated[float, option("AdamW's rate after the warm-up.", LEARNING)]
Warmup = Annotated[int, option("Steps of linear warm-up, before the decay.", LEARNING)]
Decay = Annotated[str, option("How the rate decays: cosine or linear.", LEARNING)]
WeightDecay = Annotated[float, option("AdamW's weight decay.", LEARNING)]
Clip = Annotated[float, option("Largest norm of the gradient; 0 never clips.", LEARNING)]
Precision = Annotated[str, option("float32, or bfloat16 for matrix products.", MACHINE)]
Threads = Annotated[
    int | None, typer.Option(min=1, help="CPU threads.", rich_help_panel=MACHINE, show_default="all cores")
]


def train(
    corpus: Annotated[str, typer.Argument(help="A name of `rnncore data`, stdlib, or a text file.")],
    folder: Annotated[Path | None, typer.Option(help="The run's folder.", show_default="runs/CORPUS-CELL")] = None,
    resume: Resume = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a line of JSON at every validation or sample.")
    ] = False,
    cell: RecurrentCell = "lstm",
    layers: Annotated[int, option("Recurrent layers.", MODEL)] = 2,
    units: Annotated[int, option("Width of each layer.", MODEL)] = 256,
    embedding: Annotated[int, option("Width of a symbol's vector.", MODEL)] = 64,
    dropout: Dropout = 0.2,
    recurrent_init: Annotated[
        str | None, option("Start of the recurrent weights: orthogonal, identity, or torch's uniform.", MODEL)
    ] = None,
    forget_bias: Annotated[float | None, option("Start of the forget gate's bias, if not 1.", MODEL)] = None,
    chrono: Annotated[float | None, option("Longest memory to start with, in steps (Tallec 2018).", MODEL)] = None,
    bidirectional: Annotated[
        bool, option("Read from both ends, to tell each symbol from all the others.", MODEL, "--bidirectional")
    ] = False,
    tied: Annotated[
        bool, option("Score a symbol by the vector it is read as (Press & Wolf 2017).", MODEL, "--tied")
    ] = False,
    vocabulary: Annotated[str, option("What the model reads: characters, bytes or subwords.", MODEL)] = "characters",
    subwords: Annotated[int, option("How many subwords at most, if it reads those.", MODEL)] = 4000,
    steps: Steps = 2000,
    batch: Annotated[int, option("Streams of text read side by side.", LEARNING)] = 32,
    length: Annotated[int, option("Symbols per update through which the gradient flows.", LEARNING)] = 100,
    learning_rate: LearningRate = 2e-3,
    warmup: Warmup = 100,
    decay: Decay = "cosine",
    weight_decay: WeightDecay = 0.01,
    clip: Clip = 1.0,
    seed: Annotated[int, option("Of weights, reading offsets, dropout, samples.", LEARNING)] = 0,
    validate_every: Annotated[int, option("Steps between validations.", HELD_OUT)] = 200,
    validation: Annotated[float, option("Share of the text held out to choose the best model.", HELD_OUT)] = 0.1,
    test: Annotated[float, option("Share of the text, its end, held out to the last.", HELD_OUT)] = 0.0,
    passages: Annotated[int, option("Cut the text into so many first, and split each of them.", HELD_OUT)] = 1,
    fresh: Annotated[float, option("Share of streams that begin anew at each update.", LEARNING)] = 0.0,
    probe_every: Annotated[int, option("Steps between recordings of the probe; 0 for none.", PROBE)] = 0,
    probe: Annotated[str, option("A text, or a text file, to record while the model learns.", PROBE)] = "",
    device: Annotated[str, option("cpu or cuda.", MACHINE)] = "cpu",
    precision: Precision = "float32",
    threads: Threads = None,
) -> None:
    """Train a language model on a text.

    Ctrl-C pauses; the same command with --resume goes on, and ends with the weights of a training that was
    never interrupted. With more --steps a training that ended goes on too, along the longer decay of its rate, and
    perhaps with another --fresh.
    """
    options = dict(locals())
    folder = folder or Path("runs") / f"{Path(corpus).name.split('.')[0]}-{cell}"

    def begin(note: Callable[[str], None]) -> Generator[rnncore.Progress, None, None]:
        import rnncore
        from rnncore.training import corpora

        names = {field.name for field in fields(rnncore.TrainConfig)} - {"folder"}
        if os.path.isfile(probe):  # noqa: PTH113 (a long text is no path: Path would raise)
            options["probe"] = corpora.load(Path(probe)).text
        config = rnncore.TrainConfig(folder, **{name: options[name] for name in names})
        if resume and not (folder / "run.json").exists():
            note(f"nothing to resume in {folder} yet: a new training begins")
        return rnncore.train(config, corpora.load(corpus), resume)

    finished = followed(begin, folder, threads, as_json)
    then = f"score {shlex.quote(str(folder))} TEXT" if bidirectional else f"generate {shlex.quote(str(folder))}"
    say(
        f"Done: {finished['validation']:.4f} nats per symbol on held-out text, at step {finished['best_step']}. "
        f"The model is in {folder}; try: rnncore {then}"
    )


def followed(
    begin: Callable[[Callable[[str], None]], Generator[rnncore.Progress, None, None]],
    folder: Path,
    threads: int | None,
    as_json: bool,
) -> dict[str, Any]:
    """Run a training to its end, showing how it goes; return its figures. Ctrl-C pauses it and ends the command.

    ``begin`` starts it, and is given what prints a remark.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that wait leave their core to other programs
    stop = Stop()
    with stop.listening(), bar(TextColumn("{task.fields[state]}"), transient=False) as progress:
        task = progress.add_task("reading the text", total=None, state="")
        import torch

        import rnncore

        if threads:
            torch.set_num_threads(threads)
        clipped: deque[bool] = deque(maxlen=100)
        latest = measured = None
        for latest in (training := begin(partial(progress.console.print, highlight=False))):
            clipped.append(latest.clipped)
            measured = measured if latest.validation is None else latest.validation
            share = sum(clipped) / len(clipped)
            progress.update(
                task,
                description="training",
                completed=latest.step,
                total=latest.steps,
                state=_state(latest, measured, share),
            )
            if not as_json:
                _tell(latest, _state(latest, measured, share), progress.console)
            elif latest.validation is not None or latest.sample is not None:
                print_json(asdict(latest) | {"probe": latest.probe and str(latest.probe), "clip_share": share})
            if stop.signal and latest.step < latest.steps:
                training.close()
                break
    if latest is not None and latest.step < latest.steps:
        say(f"Paused at step {latest.step} of {latest.steps}. To go on: {_again()}")
        raise typer.Exit(128 + stop.signal)
    return rnncore.Run(folder).metrics


class Stop:
    """Remembers that somebody asked to stop, so that a training stops between two steps.

    Asked a second time, by Ctrl-C, the command ends at once, and what was not saved yet is computed again
    after --resume.
    """

    def __init__(self) -> None:
        self.signal = 0

    def note(self, number: int, frame: object) -> None:
        """Remember a signal."""
        if self.signal and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.signal = number

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Note Ctrl-C and SIGTERM from here on."""
        before = {number: signal.signal(number, self.note) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _state(latest: rnncore.Progress, validation: float | None, clipped: float) -> str:
    held_out = "" if validation is None else f"validation {validation:.4f}  "
    return (
        f"{latest.step}/{latest.steps}  loss {latest.loss:.3f}  {held_out}gradient {latest.gradient_norm:.2f}  "
        f"clipped {clipped:.0%}  {latest.tokens_per_second:,.0f} symbols/s"
    )


def _tell(latest: rnncore.Progress, state: str, console: Console) -> None:
    """Print what a step brought beside its loss: a validation, a sample."""
    if latest.validation is not None:
        console.print(state, soft_wrap=True)
    if latest.sample is not None:
        console.print(f"step {latest.step}, the model writes:")
        write(latest.sample + "\n\n")


def _again() -> str:
    arguments = [argument for argument in sys.argv[1:] if argument != "--resume"]
    return shlex.join(["rnncore", *arguments, "--resume"])
