"""Text to ids and back, with what was never seen, and bytes that are cut off."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncore import Vocabulary, VocabularyError

any_text = st.text()
KNOWN = "abc\n\té中🙂"


@given(st.text(min_size=1))
def test_characters_round_trip(text):
    vocabulary = Vocabulary.characters(text)
    ids = vocabulary.encode(text)
    assert ids.dtype == np.int64
    assert vocabulary.decode(ids) == text
    assert vocabulary.join(vocabulary.tokenize(text)) == text
    assert vocabulary.unknown(text) == ()
    assert list(vocabulary.symbols) == sorted(set(text))


@given(any_text)
def test_bytes_round_trip(text):
    vocabulary = Vocabulary.bytes()
    ids = vocabulary.encode(text)
    assert bytes(ids.tolist()) == text.encode()
    assert vocabulary.decode(ids) == vocabulary.join(vocabulary.tokenize(text)) == text
    assert len(vocabulary.tokenize(text)) == len(ids)
    assert vocabulary.unknown(text) == ()


@given(any_text)
def test_what_was_never_seen_is_said_not_dropped(text):
    vocabulary = Vocabulary.characters(KNOWN)
    ids = vocabulary.encode(text)
    assert vocabulary.tokenize(text) == tuple(text)
    assert [i == -1 for i in ids] == [character not in KNOWN for character in text]
    assert set(vocabulary.unknown(text)) == set(text) - set(KNOWN)
    assert len(set(vocabulary.unknown(text))) == len(vocabulary.unknown(text))
    assert vocabulary.decode(ids) == "".join(c if c in KNOWN else "\ufffd" for c in text)


@given(any_text, st.integers(0, 50), st.integers(0, 50))
def test_cut_off_bytes_become_replacement_characters(text, first, last):
    vocabulary = Vocabulary.bytes()
    cut = vocabulary.encode(text)[first:last]
    assert vocabulary.decode(cut) == bytes(cut.tolist()).decode("utf-8", "replace")


def test_a_lone_surrogate_is_text_too():
    vocabulary = Vocabulary.bytes()
    assert len(vocabulary.encode("\ud800")) == 3
    assert vocabulary.decode(vocabulary.encode("\ud800")) == "\ufffd" * 3


def test_nothing_is_nothing():
    for vocabulary in (Vocabulary.bytes(), Vocabulary.characters("a")):
        assert vocabulary.encode("").shape == (0,)
        assert vocabulary.decode([]) == ""


def test_errors_say_what_to_do():
    with pytest.raises(VocabularyError, match="needs at least one character; this text is empty"):
        Vocabulary.characters("")
    with pytest.raises(VocabularyError, match="no kind of vocabulary 'runes'; known: characters, bytes, words, sub"):
        Vocabulary("runes", ("a",))
    with pytest.raises(VocabularyError, match="holds each symbol once"):
        Vocabulary("characters", ("a", "a"))


def test_words():
    vocabulary = Vocabulary.words(["the", "cat", "<eos>", "sat"])
    assert vocabulary.tokenize("the cat\n sat  the\n") == ("the ", "cat ", "\n", "sat ", "the ", "\n")
    assert list(vocabulary.encode("the cat\nsat dog")) == [0, 1, 2, 3, -1]
    assert vocabulary.decode([0, 1, 2, 3]) == "the cat \nsat "
    assert vocabulary.unknown("the dog sat on the dog") == ("dog ", "on ")
    assert vocabulary.tokenize("") == vocabulary.tokenize(" ") == ()


@given(st.text("ab <>us\n"))
def test_words_side_by_side_are_the_text_but_for_white_space(text):
    vocabulary = Vocabulary.words(["a", "b", "<eos>"])
    tokens = vocabulary.tokenize(text)
    assert vocabulary.tokenize(vocabulary.join(tokens)) == tokens
    assert "".join(tokens).split() == text.replace("<eos>", "\n").split() or "<eos>" in text
    assert "".join(tokens).count("\n") >= text.count("\n")


def test_words_without_line_ends_and_with_an_unknown_one():
    vocabulary = Vocabulary.words(["<unk>", "a"])
    assert vocabulary.tokenize("a\nb") == ("a ", "b ")
    assert list(vocabulary.encode("a\nb")) == [1, 0]
    assert vocabulary.unknown("a\nb") == ()


ALPHABET = "the catsn.\n9é"
SUBWORDS = Vocabulary.subwords("the cat sat. The cats\n that sat, é 99 then " * 20, 40)


@given(st.text(ALPHABET))
def test_subwords_side_by_side_are_the_text(text):
    tokens = SUBWORDS.tokenize(text)
    assert "".join(tokens) == text == SUBWORDS.decode(SUBWORDS.encode(text))
    assert set(tokens) <= set(SUBWORDS.symbols)


@given(st.text(ALPHABET), st.text(ALPHABET))
def test_a_subword_never_spans_words_so_that_what_follows_a_line_break_changes_nothing(before, after):
    assert SUBWORDS.tokenize(f"{before}\n{after}") == (*SUBWORDS.tokenize(f"{before}\n"), *SUBWORDS.tokenize(after))


@given(st.text(ALPHABET + "Ω中 "))
def test_each_subword_is_the_longest_there_is(text):
    tokens, place = SUBWORDS.tokenize(text), 0
    assert "".join(tokens) == text
    for token in tokens:
        assert not [piece for piece in SUBWORDS.symbols if text.startswith(piece, place) and len(piece) > len(token)]
        place += len(token)
    assert set(SUBWORDS.unknown(text)) == set(text) - set(ALPHABET)


def test_subwords_are_what_byte_pair_encoding_merges():
    assert SUBWORDS.kind == "subwords"
    assert {*ALPHABET, "T", ",", " that", " cats"} <= set(SUBWORDS.symbols)
    assert len(SUBWORDS) < 40, "there is no more to merge"
    assert len(Vocabulary.subwords("the cat sat. The cats\n that sat, é 99 then " * 20, 20)) == 20
    assert SUBWORDS.tokenize("the cat sat") == ("the", " cat", " sat")
    assert Vocabulary.subwords("low low low lower", 8).symbols[-2:] == ("lo", "low")
    assert Vocabulary("subwords", SUBWORDS.symbols) == SUBWORDS


def test_fewer_subwords_than_characters_are_refused():
    with pytest.raises(VocabularyError, match="2 subwords are fewer than the 3 characters of this text"):
        Vocabulary.subwords("abc", 2)
