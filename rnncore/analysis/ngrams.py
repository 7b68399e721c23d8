"""A character n-gram model, to compare networks with: interpolated modified Kneser-Ney.

    P_n(w | h) = (a(hw) - D(a(hw))) / sum_v a(hv)  +  gamma(h) P_{n-1}(w | h')

h' is the context h without its first symbol, P_0 is uniform, and gamma(h) is the mass that the discounts D took. At
the highest order a(g) counts how often g occurs; below, how many different symbols stand before it (the start of the
text being one), since a lower order is asked just where the higher one knows nothing.

Chen & Goodman (1999), "An empirical study of smoothing techniques for language modeling".
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Float64, Int, Int64

from rnncore.errors import Error

ORDER = 20
"""That of Karpathy, Johnson & Li (2015)."""


@dataclass(frozen=True, eq=False)
class Estimate:
    """Probabilities of the n-grams of one length.

    ``seen`` [ngram] is P_n(w | h) of every n-gram hw of the training text, ``backoff`` [context] is gamma(h).
    """

    seen: Float[np.ndarray, " ngram"]
    backoff: Float[np.ndarray, " context"]


@dataclass(frozen=True, eq=False)
class Level:
    """All n-grams of one length n. An n-gram's id is its place in ``keys``.

    Attributes
    ----------
    keys : int64 [ngram]
        Ascending: id of its first n-1 symbols, times the number of symbols, plus its last symbol.
    lower : Estimate
        From the symbols that stand before: what the order n+1 falls back to.
    top : Estimate or None
        From counts: the n-gram model of order n itself, if that was asked for.
    """

    keys: Int64[np.ndarray, " ngram"]
    lower: Estimate | None
    top: Estimate | None


@dataclass(frozen=True, eq=False)
class NGrams:
    """Character n-gram models of one or more orders, from the same text; made by :func:`ngrams`.

    Attributes
    ----------
    symbols : str
        What can be predicted, in order of code points. Anything else has probability 0.
    orders : tuple of int
        The orders n of which there is a model, ascending.
    """

    symbols: str
    orders: tuple[int, ...]
    levels: tuple[Level, ...] = field(repr=False)

    def log_probabilities(self, text: str, order: int | None = None) -> Float64[np.ndarray, " time"]:
        """Return ln p(character | characters before it) of each character of ``text``, in nats.

        ``order`` is one of :attr:`orders`; by default the highest.
        """
        order = self.orders[-1] if order is None else order
        if order not in self.orders:
            raise Error(f"no {order}-gram model here; there are those of order {', '.join(map(str, self.orders))}")
        return next(values for n, values in self._climb(_encode(text, self.symbols)) if n == order)

    def by_order(
        self, text: str, progress: Callable[[int, int], None] | None = None
    ) -> dict[int, Float64[np.ndarray, " time"]]:
        """Return :meth:`log_probabilities` for every order, at the price of the highest.

        ``progress`` is called with (orders done, orders in all).
        """
        found = {}
        for n, values in self._climb(_encode(text, self.symbols)):
            found[n] = values
            if progress is not None:
                progress(len(found), len(self.orders))
        return found

    def next_probabilities(self, context: str, order: int | None = None) -> Float64[np.ndarray, " symbol"]:
        """Return p(symbol | context) for every one of :attr:`symbols`; they sum to 1."""
        n = max(self.orders)
        before = context[-n + 1 :].rjust(n - 1, self._stranger) if n > 1 else ""
        every = "".join(before + symbol for symbol in self.symbols)
        return np.asarray(np.exp(self.log_probabilities(every, order)[n - 1 :: n]))

    @property
    def _stranger(self) -> str:
        """A character that no context holds: what stands before it does not count."""
        return next(chr(code) for code in range(1, 0x10FFFF) if chr(code) not in self.symbols)

    def _climb(self, x: Int[np.ndarray, " time"]) -> Iterator[tuple[int, Float64[np.ndarray, " time"]]]:
        """Yield each order and its ln p. A context that the training text lacks leaves p as it is, at all orders."""
        size = len(self.symbols)
        p = np.where(x >= 0, 1 / size, 0.0)
        context, time = np.zeros(len(x), np.int64), np.arange(len(x))  # ids of known contexts, and where they apply
        for n, level in enumerate(self.levels, 1):
            key = np.where(x[time] >= 0, context * size + x[time], -1)
            ngram = np.minimum(np.searchsorted(level.keys, key), len(level.keys) - 1)
            seen = level.keys[ngram] == key
            if level.top:
                with np.errstate(divide="ignore"):
                    yield n, np.log(_finer(p, level.top, time, context, ngram, seen))
            if level.lower:
                p = _finer(p, level.lower, time, context, ngram, seen)
            going_on = seen & (time + 1 < len(x))
            context, time = ngram[going_on], time[going_on] + 1


def _finer(
    p: np.ndarray, estimate: Estimate, time: np.ndarray, context: np.ndarray, ngram: np.ndarray, seen: np.ndarray
) -> np.ndarray:
    """Return P_n from P_{n-1}."""
    p = p.copy()
    p[time] = np.where(seen, estimate.seen[ngram], estimate.backoff[context] * p[time])
    return p


def ngrams(
    text: str,
    orders: int | Collection[int] = ORDER,
    *,
    symbols: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> NGrams:
    """Train n-gram models on ``text``.

    >>> model = ngrams(train, 20)
    >>> -model.log_probabilities(test).mean()  # nats per character

    Parameters
    ----------
    text : str
        At least as long as the highest order. For a model of bytes, their Latin-1 decoding. Each of its different
        n-grams takes some 16 bytes per order.
    orders : int or collection of int
        The order n, or several. They share what lies below.
    symbols : str, optional
        All characters that may follow; by default those of ``text``.
    progress : callable, optional
        Called with (orders done, orders in all).

    Raises
    ------
    Error
        The text is too short or has characters that are not among the symbols, or an order is below 1.
    """
    orders = {orders} if isinstance(orders, int) else set(orders)
    symbols = "".join(sorted(set(text if symbols is None else symbols)))
    if not orders or min(orders) < 1:
        raise Error(f"the order of an n-gram model is 1 or more, not {min(orders, default=None)}")
    if len(text) < max(orders):
        raise Error(f"{max(orders)}-grams are counted in a longer text; this one has {len(text)} characters")
    x = _encode(text, symbols)
    if (x < 0).any():
        raise Error(f"the text has {text[int((x < 0).argmax())]!r}, which is none of the symbols")
    size, highest, levels = len(symbols), max(orders), list[Level]()
    one = np.zeros(1, np.int64)
    shorter = _Grams(one, one, one, np.zeros(len(x) + 1, np.int32))  # the empty one, at every step
    grams, below = _grams(x, shorter, 1, size), Estimate(np.full(1, 1 / size), np.ones(0))
    for n in range(1, highest + 1):
        context, suffix = grams.keys // size, below.seen[shorter.at[grams.first + 1]]
        lower, top, many = None, None, len(shorter.keys)
        if n in orders:
            top = _estimate(grams.counts, context, many, suffix)
        if n < highest:
            longer = _grams(x, grams, n + 1, size)
            before = np.bincount(grams.at[longer.first + 1], minlength=len(grams.keys))
            before[grams.at[0]] += 1
            lower = below = _estimate(before, context, many, suffix)
        levels.append(Level(grams.keys, lower, top))
        if n < highest:
            shorter, grams = grams, longer
        if progress is not None:
            progress(n, highest)
    return NGrams(symbols, tuple(sorted(orders)), tuple(levels))


@dataclass(frozen=True, eq=False)
class _Grams:
    """The different n-grams of a text: keys, how often each occurs and where first; and which begins at each step."""

    keys: np.ndarray
    counts: np.ndarray
    first: np.ndarray
    at: np.ndarray


def _grams(x: np.ndarray, shorter: _Grams, n: int, size: int) -> _Grams:
    keys, first, at, counts = np.unique(
        shorter.at[: len(x) - n + 1].astype(np.int64) * size + x[n - 1 :],
        return_index=True,
        return_inverse=True,
        return_counts=True,
    )
    return _Grams(keys, counts, first, at.astype(np.int32))


def _estimate(a: np.ndarray, contexts: np.ndarray, many: int, shorter: np.ndarray) -> Estimate:
    """Return P_n and gamma from the counts ``a`` of the n-grams, their contexts, and P_{n-1} of their last symbols."""
    discount = _discounts(a)[np.minimum(a, 3)]
    total = np.bincount(contexts, a, many)
    taken = np.bincount(contexts, discount, many)
    backoff = np.divide(taken, total, out=np.ones(many), where=total > 0)
    seen = (a - discount) / total[contexts] + backoff[contexts] * shorter
    return Estimate(seen.astype(np.float32), backoff.astype(np.float32))


def _discounts(a: np.ndarray) -> Float64[np.ndarray, " count"]:
    """Return what is taken from a count of 0, 1, 2, and 3 or more.

    The estimate needs n-grams with counts of 1, 2, 3 and 4. Where some are missing, as among single characters, 0.5, 1
    and 1.5 are taken, as by KenLM's ``--discount_fallback``.
    """
    n = np.bincount(np.minimum(a, 5), minlength=6)[1:5]
    k = np.arange(1, 4)
    if (n == 0).any():
        return np.array([0, 0.5, 1, 1.5])
    D = k - (k + 1) * n[0] / (n[0] + 2 * n[1]) * n[1:] / n[:-1]
    return np.concatenate([[0], np.clip(D, 0, k)])


def _encode(text: str, symbols: str) -> Int64[np.ndarray, " time"]:
    """Return the place of each character among the symbols, -1 for any other."""
    codes, known = (np.frombuffer(part.encode("utf-32-le", "surrogatepass"), np.uint32) for part in (text, symbols))
    place = np.minimum(np.searchsorted(known, codes), len(known) - 1)
    return np.where(known[place] == codes, place, -1)
