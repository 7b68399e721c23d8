"""The n-gram model, held to the definition written out with strings and dictionaries."""

import math
from collections import Counter, defaultdict

import numpy as np
import pytest

import rnncore
from rnncore.analysis import ngrams
from rnncore.training import corpora


class Oracle:
    """Interpolated modified Kneser-Ney, one probability at a time (Chen & Goodman 1999, section 3)."""

    def __init__(self, train, order, symbols):
        self.symbols, self.order, self.counts, self.discounts = symbols, order, {}, {}
        for n in range(1, order + 1):
            before = defaultdict(set)
            for i in range(len(train) - n + 1):
                before[train[i : i + n]].add(train[i - 1] if i else "the start")
            spots = Counter(train[i : i + n] for i in range(len(train) - n + 1))
            counts = dict(spots) if n == order else {gram: len(found) for gram, found in before.items()}
            self.counts[n], self.discounts[n] = counts, self.discount(list(counts.values()))

    @staticmethod
    def discount(counts):
        n1, n2, n3, n4 = (counts.count(k) for k in (1, 2, 3, 4))
        if 0 in (n1, n2, n3, n4):
            return {1: 0.5, 2: 1.0, 3: 1.5}
        y = n1 / (n1 + 2 * n2)
        raw = {1: 1 - 2 * y * n2 / n1, 2: 2 - 3 * y * n3 / n2, 3: 3 - 4 * y * n4 / n3}
        return {k: min(max(value, 0), k) for k, value in raw.items()}

    def p(self, context, symbol):
        if symbol not in self.symbols:
            return 0.0
        return self.of_length(context[-self.order + 1 :] if self.order > 1 else "", symbol)

    def of_length(self, context, symbol):
        n = len(context) + 1
        lower = 1 / len(self.symbols) if n == 1 else self.of_length(context[1:], symbol)
        following = {s: self.counts[n].get(context + s, 0) for s in self.symbols}
        total = sum(following.values())
        if total == 0:
            return lower
        taken = {s: self.discounts[n][min(c, 3)] if c else 0 for s, c in following.items()}
        return (following[symbol] - taken[symbol]) / total + sum(taken.values()) / total * lower


def some_text(length, seed=0, letters="abcd"):
    """Random letters that depend on the two before, so that counts of every size occur."""
    random, text = np.random.default_rng(seed), letters[:2]
    table = random.dirichlet(np.full(len(letters), 0.4), (len(letters), len(letters)))
    while len(text) < length:
        weights = table[letters.index(text[-2]), letters.index(text[-1])]
        text += letters[random.choice(len(letters), p=weights)]
    return text


@pytest.mark.parametrize("order", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("seed", range(3))
def test_probabilities_are_those_of_the_definition(order, seed):
    train, test = some_text(400, seed), some_text(60, seed + 10) + "xab"
    symbols = "abcdy"  # y is never seen in training, x is no symbol at all
    oracle = Oracle(train, order, symbols)
    expected = [oracle.p(test[:t], symbol) for t, symbol in enumerate(test)]
    found = ngrams(train, order, symbols=symbols).log_probabilities(test)
    np.testing.assert_allclose(np.exp(found), expected, rtol=1e-5, atol=1e-12)
    assert math.isinf(found[test.index("x")])


def test_the_oracle_met_both_kinds_of_discounts():
    oracle = Oracle(some_text(400), 5, "abcdy")
    fallback = [oracle.discounts[n] == {1: 0.5, 2: 1.0, 3: 1.5} for n in range(1, 6)]
    assert any(fallback)
    assert not all(fallback)


def test_probabilities_sum_to_one():
    text = some_text(3000, letters="abcdefgh") + "zz"
    model = ngrams(text, (3, 7))
    for order in (3, 7):
        for context in ("", "a", text[100:106], text[500:520], "zzzzzzz", "what"):
            p = model.next_probabilities(context, order)
            assert p.sum() == pytest.approx(1, abs=1e-5)
            given = model.log_probabilities(context + "c", order)[-1]
            assert p[model.symbols.index("c")] == pytest.approx(np.exp(given))


def test_orders_trained_together_are_those_trained_alone():
    text, test = some_text(800), some_text(100, 5)
    together = ngrams(text, range(1, 7)).by_order(test)
    assert list(together) == [1, 2, 3, 4, 5, 6]
    for order, values in together.items():
        np.testing.assert_array_equal(values, ngrams(text, order).log_probabilities(test))


def test_a_text_that_repeats_is_known_by_heart():
    text = "once more unto the breach, dear friends; " * 50
    found = ngrams(text, 6).log_probabilities(text)
    assert (found[5:] > np.log(0.95)).all()


def test_any_character_can_be_counted():
    text = "naïve 日本 \U0001f600 \ud800 " * 9
    assert np.isfinite(ngrams(text, 4).log_probabilities(text)).all()


def test_progress_reaches_its_end():
    seen = []
    model = ngrams("abcabcabc", (2, 4), progress=lambda *done: seen.append(done))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    seen.clear()
    model.by_order("abc", lambda *done: seen.append(done))
    assert seen == [(1, 2), (2, 2)]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("", 1), "this one has 0 characters"),
        (("abc", 4), "4-grams are counted in a longer text; this one has 3"),
        (("abc", 0), "is 1 or more, not 0"),
        (("abc", ()), "is 1 or more, not None"),
    ],
)
def test_what_cannot_be_counted_is_said(arguments, sentence):
    with pytest.raises(rnncore.Error, match=sentence):
        ngrams(*arguments)


def test_strange_symbols_and_orders_are_said():
    with pytest.raises(rnncore.Error, match="'c', which is none of the symbols"):
        ngrams("abc", 2, symbols="ab")
    with pytest.raises(rnncore.Error, match="no 3-gram model here; there are those of order 1, 2"):
        ngrams("abcab", (1, 2)).log_probabilities("a", 3)


def test_war_and_peace_as_published():
    """Karpathy, Johnson & Li (2015), table 3, where the book is at hand; split within each of their 100 streams."""
    if corpora.at_hand(corpora.catalogue["warpeace"]):
        book = corpora.load("warpeace").text.encode().decode("latin-1")
        streams = [book[k * 32_500 : (k + 1) * 32_500] for k in range(100)]
        train, test = ("".join(stream[a:b] for stream in streams) for a, b in ((0, 26_000), (29_200, 32_500)))
        published = {2: 2.399, 3: 1.928, 4: 1.521, 5: 1.314, 6: 1.232, 7: 1.203, 8: 1.194}
        found = ngrams(train, published, symbols=book).by_order(test)
        assert {order: -values.mean() for order, values in found.items()} == pytest.approx(published, abs=6e-4)
