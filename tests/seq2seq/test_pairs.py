"""Dates with their true alignments, and pairs from files."""

import gzip
import itertools
import re
from datetime import date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncore import CorpusError
from rnncore.seq2seq import dates, load_pairs
from rnncore.seq2seq.dates import FIRST, LANGUAGES, LAST, drawn, written
from rnncore.seq2seq.pairs import parse


@given(st.dates(FIRST, LAST), st.integers(0, 10_000))
def test_a_written_date_is_that_date_and_its_alignment_says_where_it_stands(day, seed):
    found = written(day, np.random.default_rng(seed))
    assert found.target == day.isoformat()
    assert found.alignment.shape == (10, len(found.source))
    assert not found.alignment[[4, 7]].any()
    assert found.alignment[[0, 1, 2, 3, 5, 6, 8, 9]].any(1).all()
    for answer, row in zip(found.target, found.alignment, strict=True):
        told = "".join(np.array(list(found.source))[row])
        if len(told) == 1:  # a figure of its own, or the only one there is, before which a zero is written
            assert told == answer or answer == "0"
    for place in (0, 1, 2, 3):
        if re.search(r"\d{4}", found.source):
            assert found.source[int(found.alignment[place].argmax())] == found.target[place]


def test_forms_are_read_as_their_language_reads_them():
    day = date(2021, 3, 5)
    seen = {written(day, np.random.default_rng(seed)).source for seed in range(4000)}
    for form in ("Friday, March 5, 2021", "the 5th of March 2021", "am 5. März 2021", "le 5 mars 2021", "05.03.2021"):
        assert form in seen
    for form in ("3/5/2021", "03/05/21", "2021-03-05", "el 5 de marzo de 2021", "fredag den 5 mars 2021", "5-3-2021"):
        assert form in seen
    assert "5/3/2021" not in seen  # with slashes the month comes first
    for source in seen:
        if match := re.fullmatch(r"(\d+)/(\d+)/(\d{4})", source):
            assert datetime.strptime(match.group(), "%m/%d/%Y").date() == day
    assert written(date(2000, 1, 1), np.random.default_rng(0)).target == "2000-01-01"
    firsts = {written(date(2021, 3, 1), np.random.default_rng(seed)).source for seed in range(3000)}
    assert {"1er mars 2021", "1º marzo 2021", "March 1st, 2021"} <= firsts


def test_languages_name_every_month_and_weekday_differently():
    for language in LANGUAGES.values():
        for names, count in ((language.months, 12), (language.short, 12), (language.weekdays, 7)):
            assert len(set(names.lower().split())) == count


def test_no_day_of_one_part_is_in_another():
    parts = dates(0, train=3000, held_out=500)
    assert [len(part) for part in parts] == [3000, 500, 500]
    days = [{one.target for one in part} for part in parts]
    assert not days[0] & days[1]
    assert not days[0] & days[2]
    assert not days[1] & days[2]
    assert dates(0, train=30, held_out=5) == dates(0, train=30, held_out=5) != dates(1, train=30, held_out=5)
    assert len({one.source for one in itertools.islice(drawn(1), 50)}) > 45


def test_a_file_of_pairs_is_cut_in_order(tmp_path):
    path = tmp_path / "pairs.txt"
    path.write_text("".join(f"eins {number}\tone {number}\n" for number in range(40)) + "\n")
    pairs = load_pairs(path)
    assert [len(part) for part in (pairs.train, pairs.validation, pairs.test)] == [36, 2, 2]
    assert pairs.test[-1] == ("eins 39", "one 39")
    assert len(pairs.sha256) == 64
    path.write_text("a\tb\n" * 5)
    with pytest.raises(CorpusError, match="has 5 pairs; a translator needs 20"):
        load_pairs(path)
    path.write_text("a\tb\nno tab here\n")
    with pytest.raises(CorpusError, match=r"line 2 of pairs.txt is no pair; write source, one tab, target"):
        load_pairs(path)
    with pytest.raises(CorpusError, match="no pairs 'multi30k-de-de'; known: dates, multi30k-de-en"):
        load_pairs("multi30k-de-de")
    assert parse("x\ty\n\n") == [("x", "y")]


def test_pairs_of_languages_are_read_side_by_side(tmp_path, monkeypatch):
    monkeypatch.setenv("RNNCORE_DATA", str(tmp_path))
    monkeypatch.setattr("rnncore.training.corpora.user_cache_path", lambda name: tmp_path / "none")
    (tmp_path / "multi30k").mkdir()
    for part in ("train", "val", "test_2016_flickr"):
        for language in ("de", "fr"):
            lines = f"{part} {language} 1\n{part} {language} 2\n"
            (tmp_path / "multi30k" / f"{part}.{language}.gz").write_bytes(gzip.compress(lines.encode()))
    pairs = load_pairs("multi30k-fr-de")
    assert pairs.train[1] == ("train fr 2", "train de 2")
    assert pairs.test[0] == ("test_2016_flickr fr 1", "test_2016_flickr de 1")
    with pytest.raises(CorpusError, match="rnncore data get multi30k"):
        load_pairs("multi30k-de-en")
