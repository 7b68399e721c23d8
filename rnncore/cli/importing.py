"""The command that brings in a model which another program trained."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from rnncore.cli.screen import say


def bring(
    path: Annotated[
        Path, typer.Argument(help="A .safetensors, .pt or .pth file of tensors, or OpenAI's folder of .npy arrays.")
    ],
    out: Annotated[Path, typer.Option(help="The folder for the model.")],
    vocabulary: Annotated[
        list[str] | None,
        typer.Option(
            help="A JSON list of symbols, a file with one symbol a line, the training text (several files in their "
            "order), or one of the words bytes and printable. Without it, what the checkpoint itself keeps."
        ),
    ] = None,
    words: Annotated[
        bool, typer.Option("--words", help="The training text was cut into words, with <eos> at each line's end.")
    ] = False,
    order: Annotated[
        str | None,
        typer.Option(help="How the text's symbols were numbered: sorted (usual for characters) or appearance (words)."),
    ] = None,
    relu: Annotated[bool, typer.Option("--relu", help="The network is an nn.RNN with relu, not tanh.")] = False,
) -> None:
    """Import a model that another program trained: embedding or one-hot, nn.LSTM, nn.GRU or nn.RNN, linear head.

    What the file holds is found by the names and shapes of its tensors. Where something does not fit, all of it is
    listed.
    """
    import rnncore
    from rnncore.errors import Error
    from rnncore.network import checkpoint

    if order not in (None, "sorted", "appearance"):
        raise Error(f"order is sorted or appearance, not {order!r}")
    named = vocabulary is not None and len(vocabulary) == 1 and vocabulary[0] in ("bytes", "printable")
    source = None if vocabulary is None else vocabulary[0] if named else [Path(part) for part in vocabulary]
    model = rnncore.import_checkpoint(path, source, words=words, order=order, relu=relu, name=out.resolve().name)
    checkpoint.save(model, out, training={"imported": path.name})
    shape = f"{model.config.layers} × {model.config.units} {type(model.layers[0]).title}"
    say(
        f"{model.name}: {shape}, {model.parameter_count:,} parameters, {len(model.vocabulary)} symbols. "
        f"It is in {out}; try: rnncore generate {shlex.quote(str(out))}"
    )
