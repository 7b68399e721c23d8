"""How often each gate is all but shut or all but open (Karpathy, Johnson & Li 2015, section 4.2)."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from rnncore.analysis.pieces import Report, pieces
from rnncore.cells import Gate, find
from rnncore.errors import Error, RecordingError
from rnncore.files import write_atomically
from rnncore.network.model import LanguageModel
from rnncore.recording import Recording
from rnncore.training import Run

MARGIN = 0.1
"""Share of a gate's range at either end: below 0.1 a gate from 0 to 1 is left-saturated, above 0.9 right-saturated."""

TABLE = "saturation.parquet"
"""What :func:`keep` calls its file."""


def saturation(
    model: LanguageModel, text: str, *, margin: float = MARGIN, progress: Report | None = None
) -> pd.DataFrame:
    """Return how often each gate of each unit is saturated while ``model`` reads ``text``.

    >>> table = saturation(model, text)
    >>> table.groupby(["signal", "layer"])[["left", "right"]].mean()

    Parameters
    ----------
    margin : float
        Share of a gate's range that counts as its end, below one half. For a candidate from -1 to 1, 0.1 means
        below -0.8 and above 0.8.
    progress : callable, optional
        Called with (steps done, steps in all).

    Returns
    -------
    DataFrame
        One row a gate and unit: signal, layer, unit, and left and right: the fraction of steps at the
        lower and at the upper end of the range.

    Raises
    ------
    Error
        The cell has no gate with two ends.
    """
    gates = [gate.symbol for gate in bounded(model.config.cell)]
    return _fractions((piece for _, piece in pieces(model, text, gates, progress)), margin)


def saturation_of(recording: Recording, *, margin: float = MARGIN) -> pd.DataFrame:
    """Return :func:`saturation` over one recording.

    Raises
    ------
    Error
        The recording holds no gate with two ends.
    """
    return _fractions([recording], margin)


def saturation_over_training(
    run: Run, *, margin: float = MARGIN, steps: Sequence[int] | None = None, progress: Report | None = None
) -> pd.DataFrame:
    """Return :func:`saturation` on the probe text of a training, with the column step in front.

    A run that was published keeps no gates but the table that :func:`keep` wrote, to hundredths; it is read instead.

    Parameters
    ----------
    steps : sequence of int, optional
        Which of the recorded steps; all by default.
    progress : callable, optional
        Called with (recordings read, recordings in all).

    Raises
    ------
    Error
        The training recorded no probe text, or none at these steps; or its recordings were kept without the gates, and
        there is no table, or one of another margin.
    RecordingError
        The table or a recording is damaged.
    """
    probes, tables = run.probes, []
    if margin == MARGIN and (run.folder / TABLE).exists():
        kept = _read(run.folder / TABLE)
        return kept[kept["step"].isin(_matching(kept["step"].unique().tolist(), steps))].reset_index(drop=True)
    if not probes:
        raise Error(f"{run.folder} has no recordings of a probe text; train with --probe and --probe-every")
    wanted = _matching([step for step, _ in probes], steps)
    chosen = [(step, path) for step, path in probes if step in wanted]
    for done, (step, path) in enumerate(chosen, 1):
        recording = Recording.load(path)
        if not recording.values:
            raise Error(f"{path} keeps gradients but no gates; train again with --probe to see them over training")
        table = saturation_of(recording, margin=margin)
        table.insert(0, "step", step)
        tables.append(table)
        if progress is not None:
            progress(done, len(chosen))
    return pd.concat(tables, ignore_index=True)


def keep(table: pd.DataFrame, folder: Path) -> None:
    """Write a table of :func:`saturation_over_training` into a run's folder, in a byte or two a unit, gate and step."""
    ends = {end: (100 * table[end]).round().astype(np.uint8) for end in ("left", "right")}
    places = {name: table[name].astype(np.uint32) for name in ("step", "layer", "unit")}
    file = io.BytesIO()
    table.assign(**places, **ends).to_parquet(file, index=False, compression="zstd")
    write_atomically(folder / TABLE, file.getvalue())


def _matching(recorded: Sequence[int], steps: Sequence[int] | None) -> list[int]:
    """Return the recorded steps that are among ``steps``."""
    found = [step for step in recorded if steps is None or step in steps]
    if not found:
        asked, known = (", ".join(map(str, numbers)) or "none" for numbers in (steps or (), recorded))
        raise Error(f"not one of these steps was recorded: {asked}; recorded: {known}")
    return found


def _read(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_parquet(path, columns=["step", "signal", "layer", "unit", "left", "right"])
        if table.empty:
            raise ValueError("it has no rows")
        places = {name: table[name].astype(int) for name in ("step", "layer", "unit")}
        return table.assign(signal=table["signal"].astype(object), **places, **table[["left", "right"]] / 100)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecordingError(f"{path} is damaged or no table of saturation over training: {error}") from error


def bounded(cell: str) -> list[Gate]:
    """Return the gates and candidates of a cell that have two ends.

    Raises
    ------
    Error
        It has none, or there is no such cell.
    """
    gates = [gate for gate in find(cell).gates if math.isfinite(gate.low) and math.isfinite(gate.high)]
    if not gates:
        raise Error(f"{cell} has no gates that could saturate; take a cell with gates, such as lstm or gru")
    return gates


def _fractions(recordings: Iterable[Recording], margin: float) -> pd.DataFrame:
    if not 0 < margin < 0.5:
        raise Error(f"the margin is a share of the range at either end, between 0 and 0.5, not {margin}")
    steps, counts = 0, dict[str, np.ndarray]()
    for recording in recordings:
        steps += recording.time
        for symbol, _, low, high in bounded(recording.cell):
            if symbol in recording.signals:
                values, end = recording[symbol], margin * (high - low)
                found = np.stack([(values < low + end).sum(1), (values > high - end).sum(1)])
                counts[symbol] = counts.get(symbol, 0) + found
    if not counts:
        raise Error("the recording holds no gate with two ends; record it with all signals")
    tables = []
    for symbol, found in counts.items():
        _, depth, units = found.shape
        layer, unit = np.divmod(np.arange(depth * units), units)
        left, right = found.reshape(2, -1) / steps
        tables.append(pd.DataFrame({"signal": symbol, "layer": layer, "unit": unit, "left": left, "right": right}))
    return pd.concat(tables, ignore_index=True)
