"""Sparse linear probes: how few units suffice to read a label off the state, and whether that says anything.

A probe can also learn what the state does not hold as such. So each is set beside a control task (Hewitt & Liang
2019, "Designing and interpreting probes with control tasks"): every type of token gets one random label, which can
only be learned by heart. Selectivity is the accuracy less that on the control task.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations, islice

import numpy as np
import pandas as pd
from jaxtyping import Float, Int, Int64
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from rnncore.analysis.pieces import Report, layer_number, pieces
from rnncore.analysis.sparse import entering
from rnncore.errors import Error
from rnncore.network.model import LanguageModel

SIZES = (1, 2, 4, 8, 16, 32)


@dataclass(frozen=True, eq=False)
class States:
    """Signals of a model at some steps of a text.

    ``values`` [sample, column]; ``columns`` tells each column's signal, layer and unit; ``steps`` [sample] ascend.
    """

    values: Float[np.ndarray, "sample column"] = field(repr=False)
    columns: pd.DataFrame = field(repr=False)
    steps: Int64[np.ndarray, " sample"] = field(repr=False)


@dataclass(frozen=True, eq=False)
class Probe:
    """How few units a linear probe needs.

    Attributes
    ----------
    ranking : DataFrame
        The units in the order in which the penalised probe takes them up: layer, unit, signal (unless grouped), and
        frequency: the share of resamples in which it is among as many.
    by_size : DataFrame
        One row a number of units: units; accuracy, on text not trained on, of an unpenalised probe of the first so
        many; control, that on the control task, mean of several; selectivity, their difference; stability, the
        overlap of the first so many between resamples, 1 if they are always the same and 0 if they agree as by
        chance (Kuncheva 2007).
    majority : float
        The accuracy of always saying the commonest label.
    """

    ranking: pd.DataFrame = field(repr=False)
    by_size: pd.DataFrame = field(repr=False)
    majority: float


def balanced(labels: np.ndarray, count: int, seed: int = 0) -> Int64[np.ndarray, " sample"]:
    """Return ``count`` random steps or a few fewer, ascending, as many of each label; of a rare label all there are."""
    random, classes = np.random.default_rng(seed), np.unique(labels)
    places = [np.flatnonzero(labels == label) for label in classes]
    each = min(count // len(classes), *map(len, places))
    return np.sort(np.concatenate([random.choice(place, each, replace=False) for place in places]))


def states(
    model: LanguageModel,
    text: str,
    steps: Int64[np.ndarray, " sample"],
    *,
    signals: Sequence[str] = ("h",),
    layers: Sequence[int] | None = None,
    progress: Report | None = None,
) -> States:
    """Return what the units of a model hold at some steps of a text.

    Parameters
    ----------
    steps : int64 [sample]
        Ascending, such as those of :func:`balanced`.
    signals, layers
        Which; all layers by default. Memory is 4 bytes a value.
    progress : callable, optional
        Called with (steps done, steps in all).

    Raises
    ------
    Error
        There is no such layer, signal or step.
    """
    chosen = [layer_number(model, layer) for layer in (range(len(model.layers)) if layers is None else layers)]
    length, units = len(model.vocabulary.tokenize(text)), model.config.units
    if not len(steps) or steps[0] < 0 or steps[-1] >= length or (np.diff(steps) <= 0).any():
        raise Error(f"expected ascending steps from 0 to {length - 1}")
    values = np.empty((len(steps), len(signals), len(chosen), units), np.float32)
    for first, piece in pieces(model, text, signals, progress):
        here = slice(*np.searchsorted(steps, (first, first + piece.time)))
        for k, signal in enumerate(signals):
            values[here, k] = piece[signal][chosen][:, steps[here] - first].swapaxes(0, 1)
    product = pd.MultiIndex.from_product([signals, chosen, range(units)], names=["signal", "layer", "unit"])
    return States(values.reshape(len(steps), -1), product.to_frame(index=False), steps)


def probe(
    states: States,
    labels: np.ndarray,
    types: np.ndarray,
    *,
    grouped: bool = False,
    sizes: Sequence[int] = SIZES,
    held_out: float = 0.3,
    controls: int = 3,
    resamples: int = 5,
    seed: int = 0,
    progress: Report | None = None,
) -> Probe:
    """Read labels off the state with as few units as possible.

    >>> steps = balanced(inside_quotes, 10_000)
    >>> ids = model.vocabulary.encode(text)
    >>> probe(states(model, text, steps), inside_quotes[steps], ids[steps]).by_size

    Parameters
    ----------
    labels : array [sample]
        What to read off: two different values or a few more.
    types : array [sample]
        The type of each sample, which has one random label in the control task: the ids of the tokens.
    grouped : bool
        Take all signals of a unit together (group lasso) instead of each column alone (lasso).
    sizes : sequence of int
        Numbers of units, or of columns, to try.
    held_out : float
        Share of the samples, from the end of the text, on which accuracies are measured.
    controls, resamples : int
        How many control tasks, and how many random halves of the samples to rank the units on again.
    progress : callable, optional
        Called with (parts done, parts in all).

    Raises
    ------
    Error
        There is not one label and type a sample, the samples trained on have one label only, or there are fewer units
        than the largest size.
    """
    split = round(len(labels) * (1 - held_out))
    if not len(states.values) == len(labels) == len(types):
        raise Error(f"{len(states.values)} samples with {len(labels)} labels and {len(types)} types; one each, please")
    classes, y = np.unique(labels, return_inverse=True)
    if not 0 < split < len(labels) or len(np.unique(y[:split])) < len(classes):
        raise Error("a probe needs every label among the samples that it is trained on, and samples held out")
    names = ["layer", "unit"] if grouped else ["layer", "unit", "signal"]
    by_group = states.columns.groupby(names, sort=True)
    groups, units = by_group.ngroup().to_numpy(), by_group.size().index.to_frame(index=False)
    if not sizes or min(sizes) < 1 or max(sizes) > len(units):
        raise Error(f"sizes are from 1 to {len(units)}, the number of {'units' if grouped else 'columns'}, not {sizes}")
    mean, deviation = states.values[:split].mean(0), states.values[:split].std(0)
    X = (states.values - mean) / np.where(deviation > 0, deviation, 1)
    random, done = np.random.default_rng(seed), 0

    def report() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, 1 + controls + resamples)

    def accuracies(y: np.ndarray) -> tuple[np.ndarray, list[float]]:
        order = _ranking(X[:split], y[:split], groups, max(sizes))
        fits = [_accuracy(X[:, np.isin(groups, order[:size])], y, split) for size in sizes]
        report()
        return order, fits

    order, accuracy = accuracies(y)
    control = np.mean([accuracies(_control(y, types, random))[1] for _ in range(controls)], axis=0)
    again = []
    for _ in range(resamples):
        half = random.permutation(split)[: split // 2]
        again.append(_ranking(X[half], y[half], groups, max(sizes)))
        report()
    table = pd.DataFrame({"units": list(sizes), "accuracy": accuracy, "control": control})
    table["selectivity"] = table["accuracy"] - table["control"]
    table["stability"] = [_consistency([ranked[:size] for ranked in again], len(units)) for size in sizes]
    frequency = np.mean([np.isin(order, ranked) for ranked in again], axis=0)
    majority = float(np.mean(y[split:] == np.bincount(y[:split]).argmax()))
    return Probe(units.iloc[order].reset_index(drop=True).assign(frequency=frequency), table, majority)


def _ranking(X: np.ndarray, y: np.ndarray, groups: np.ndarray, most: int) -> Int[np.ndarray, " group"]:
    """Return the first ``most`` groups; if the penalised probe needs fewer, the rest by their numbers."""
    first = list(islice(entering(X, np.unique(y, return_inverse=True)[1], groups), most))
    rest = np.setdiff1d(np.arange(groups.max() + 1), first)
    return np.array([*first, *rest][:most], int)


def _accuracy(X: np.ndarray, y: np.ndarray, split: int) -> float:
    """Return the held-out accuracy of a linear probe with next to no penalty."""
    if len(np.unique(y[:split])) < 2:
        return float(np.mean(y[split:] == y[0]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a probe that is all but done will do
        fit = LogisticRegression(C=100, max_iter=300).fit(X[:split], y[:split])
    return float(fit.score(X[split:], y[split:]))


def _control(y: np.ndarray, types: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return one random label for each type, drawn as often as the labels occur."""
    different, which = np.unique(types, return_inverse=True)
    return np.asarray(random.choice(y, len(different))[which])


def _consistency(sets: list[np.ndarray], among: int) -> float:
    """Return Kuncheva's index, the mean over pairs: (overlap - chance) / (size - chance); nan for all units."""
    size = len(sets[0]) if sets else among
    if size == among or len(sets) < 2:
        return float("nan")
    chance = size**2 / among
    return float(np.mean([(len(np.intersect1d(a, b)) - chance) / (size - chance) for a, b in combinations(sets, 2)]))
