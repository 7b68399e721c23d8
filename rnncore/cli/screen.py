"""How the commands speak: tables, JSON, progress with the time left, one sentence at a time."""

from __future__ import annotations

import codecs
import json
import math
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from typer.core import TyperGroup

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def say(sentence: str) -> None:
    """Print a sentence to standard error, in one piece."""
    typer.echo(sentence, err=True)


def print_json(value: Any) -> None:
    """Print ``value`` on one line of standard output; what is no finite number becomes null."""
    write(json.dumps(_finite(value), ensure_ascii=False, allow_nan=False) + "\n")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_table(titles: Iterable[str], rows: Iterable[Iterable[str]], left: int = 1) -> None:
    """Print a table to standard output, its first ``left`` columns flush left."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for number, title in enumerate(titles):
        table.add_column(title, justify="left" if number < left else "right", overflow="fold")
    for row in rows:
        table.add_row(*map(_plain, row))
    # Without a terminal nobody can make the window wider: lines are as long as they need.
    Console(width=None if sys.stdout.isatty() else 1000, markup=False, highlight=False).print(table)


def _plain(text: str) -> str:
    return text.replace("[", r"\[")


def write(text: str) -> None:
    """Write ``text`` to standard output at once; on a terminal, control characters are shown as pictures."""
    sys.stdout.write(visible(text) if sys.stdout.isatty() else text)
    sys.stdout.flush()


def visible(text: str) -> str:
    """Return ``text`` with control characters, but for line breaks and tabs, replaced by their pictures.

    A model may write any character of its corpus, also those that would clear a terminal.
    """
    return "".join(
        character
        if character in "\n\t" or unicodedata.category(character) != "Cc"
        else chr(0x2400 + ord(character))
        if ord(character) < 0x20
        else "\ufffd"
        for character in text
    )


def quoted(symbols: Iterable[str], most: int = 10) -> str:
    """Return symbols as a readable list, such as ``'я', 'λ' and 3 more``."""
    symbols = list(symbols)
    more = f" and {len(symbols) - most} more" if len(symbols) > most else ""
    return ", ".join(map(repr, symbols[:most])) + more


def decoder(kind: str) -> Callable[[str], str]:
    """Return a function from a vocabulary's symbols, one by one, to text: bytes come out as UTF-8 when whole."""
    if kind != "bytes":
        return str
    utf8 = codecs.getincrementaldecoder("utf-8")("replace")
    return lambda token: utf8.decode(token.encode("latin-1"))


def bar(*columns: ProgressColumn, transient: bool = True) -> Progress:
    """Return a progress bar on standard error: ``columns``, and the time left."""
    console = Console(stderr=True, highlight=False, markup=False)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(None),
        *columns,
        TimeRemainingColumn(compact=True),
        console=console,
        transient=transient,
        disable=not console.is_terminal,
        redirect_stdout=sys.stdout.isatty(),  # else what is printed would not reach its file
        expand=True,
    )


@contextmanager
def working(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show how far some work is; yields a function to be called with (done, total)."""
    with bar() as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


@contextmanager
def stages(name: str) -> Iterator[Callable[[str, int, int], None]]:
    """Show one bar after the other; yields a function to be called with (what is being done, done, total)."""
    with ExitStack() as stack:
        bars: dict[str, Callable[[int, int], None]] = {}

        def progress(what: str, done: int, total: int) -> None:
            if what not in bars:
                stack.close()
                bars[what] = stack.enter_context(working(f"{name}: {what}"))
            bars[what](done, total)

        yield progress


def first(command: str) -> type[TyperGroup]:
    """Return a group of commands that takes ``command`` where none is named.

    So ``gradients MODEL... TEXT`` is short for ``gradients flow MODEL... TEXT``.
    """

    class First(TyperGroup):
        def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
            named = args and (args[0] in self.commands or args[0] in ctx.help_option_names)
            return super().parse_args(ctx, args if named else [command, *args])

    return First
