"""Tokens: what goes in comes out, whatever it is; files; what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncore import VocabularyError
from rnncore.seq2seq import Tokens
from rnncore.seq2seq.tokens import END, SPECIAL, UNKNOWN, normal

TEXT = ["Ein Mann (mit Hut) geht, wohin er will.", "Zwei Männer schlafen; einer wacht."] * 5


@given(st.text(st.sampled_from("abc XYZ.,äß"), max_size=30))
def test_known_characters_come_back(sentence):
    tokens = Tokens.characters(["abc XYZ.,äß"])
    ids = tokens.encode(sentence)
    assert ids[-1] == END
    assert len(ids) == len(normal(sentence)) + 1
    assert tokens.decode(ids) == normal(sentence)


@pytest.mark.parametrize("sentence", TEXT[:2])
def test_subwords_come_back(sentence):
    tokens = Tokens.subwords(TEXT, 100)
    ids = tokens.encode(sentence)
    assert UNKNOWN not in ids
    assert tokens.decode(ids) == sentence
    assert len(ids) < len(sentence)
    assert len(tokens) <= 100


def test_special_tokens_cannot_be_written_by_a_user():
    tokens = Tokens.characters(["<s>/pad unk"])
    assert not set(tokens.encode("</s><pad>")[:-1]) & {0, 2, 3}
    assert tokens.symbols[:4] == SPECIAL


def test_what_was_never_seen_is_unknown_and_never_written():
    tokens = Tokens.characters(["abc"])
    assert tokens.encode("aЖb🙂").tolist() == [4, UNKNOWN, 5, UNKNOWN, END]
    assert tokens.decode([4, UNKNOWN, 5, END, 6]) == "ab"
    assert tokens.encode("").tolist() == [END]
    assert Tokens.subwords(TEXT, 60).encode("Ж")[-1] == END


@pytest.mark.parametrize("tokens", [Tokens.characters(["abc d"]), Tokens.subwords(TEXT, 80)])
def test_a_description_makes_the_same_tokens(tokens):
    again = Tokens.from_json(tokens.json)
    assert again.symbols == tokens.symbols
    assert again.kind == tokens.kind
    assert again.encode("Ein Mann, d").tolist() == tokens.encode("Ein Mann, d").tolist()


def test_bad_descriptions_are_sentences():
    with pytest.raises(VocabularyError, match="this describes no tokens"):
        Tokens.from_json("{}")
    with pytest.raises(VocabularyError, match="the first tokens of a translator are <pad>"):
        Tokens.from_json(Tokens.characters(["ab"]).json.replace("<pad>", "<nil>"))
    with pytest.raises(VocabularyError, match="empty"):
        Tokens.characters(["", "  "])
