"""``rnncore`` on the command line. Results go to standard output, all the rest to standard error.

What a command needs is imported when it runs, so that help and mistakes are answered at once.
"""

from __future__ import annotations

import sys
from typing import Any

import typer
from typer.core import TyperGroup

from rnncore.cli import dashboard, gradients, importing, inside, reading, sentiment, training, translate, units
from rnncore.cli.screen import say
from rnncore.errors import Error

__all__ = ["app", "main"]


class Sentences(TyperGroup):
    """Commands whose errors are sentences: no traceback, exit code 1."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except Error as error:
            say(f"rnncore: {error}")
        except (MemoryError, RuntimeError) as error:  # torch raises RuntimeError where memory ends
            if isinstance(error, RuntimeError) and "memory" not in str(error):
                raise
            say("rnncore: there is not enough memory; try a shorter text, fewer units or a smaller batch")
        raise typer.Exit(1)


app = typer.Typer(
    cls=Sentences,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Look inside recurrent networks: train them, run them, record what happens in every cell.",
    epilog="Start with: rnncore models",
)


def main() -> None:
    """Run the command line."""
    if hasattr(sys.stdout, "reconfigure"):  # a terminal that lacks a letter shows its number
        sys.stdout.reconfigure(errors="backslashreplace")
    app(prog_name="rnncore")


for command, example in (
    (reading.models, "rnncore models"),
    (training.train, "rnncore train stdlib --units 128 --steps 500"),
    (inside.record, "rnncore record shakespeare-lstm 'To be, or not to be' --gradients --out to-be.npz"),
    (reading.generate, "rnncore generate shakespeare-lstm 'ROMEO:' --length 300 --temperature 0.8 --seed 1"),
    (reading.score, "rnncore score linux-lstm --file main.c"),
    (units.units, "rnncore units shakespeare-lstm --out dictionary"),
    (sentiment.sentiment, "rnncore sentiment reviews-minlstm --transfer sst --out found"),
    (importing.bring, "rnncore import weights.pt --vocabulary train.txt --out my-model"),
    (dashboard.dashboard, "rnncore app --port 8080"),
):
    name = {dashboard.dashboard: "app", importing.bring: "import"}.get(command)
    app.command(name, epilog=f"Example: {example}")(command)
app.add_typer(
    gradients.gradients,
    name="gradients",
    epilog="Example: rnncore gradients shakespeare-elman shakespeare-lstm 'To be, or not to be'",
)
app.add_typer(
    translate.translate,
    name="translate",
    epilog="Example: rnncore translate dates-attention 'Friday, 5th of March 2021'",
)
app.add_typer(training.data, name="data", epilog="Example: rnncore data get shakespeare")
