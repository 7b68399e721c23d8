"""Reviews: read alike from tables and from the archive, each once, and none that is held out."""

import io
import tarfile

import pandas as pd
import pytest

from rnncore.training import corpora, reviews
from rnncore.training.reviews import prepare

LABELLED = [(f"review {k}<br /><br />a &amp; b", k % 2) for k in range(30)]
OTHERS = [f"unlabelled {k}" for k in range(20)]
APART = [text for text, _ in LABELLED[25:]]


@pytest.fixture
def data(tmp_path, monkeypatch):
    """Return a folder; the last five of the labelled reviews are the ones held out."""
    monkeypatch.setenv("RNNCORE_DATA", str(tmp_path))
    monkeypatch.setattr(reviews, "_apart", lambda: frozenset(reviews.digest(prepare(text)) for text in APART))
    (tmp_path / "imdb").mkdir()
    return tmp_path / "imdb"


def as_tables(folder):
    # one text among the unlabelled is held out, one is labelled too, and one labelled one is there twice
    rows = [(label, 1, text) for text, label in [LABELLED[0], *LABELLED]]
    pd.DataFrame(rows, columns=["label", "rating", "text"]).to_csv(folder / "train.csv.xz", index=False)
    pd.DataFrame({"text": [*OTHERS, APART[2], LABELLED[3][0]]}).to_csv(folder / "unsup.csv", index=False)


def as_archive(folder):
    files = {f"train/{'pos' if label else 'neg'}/{k}_7.txt": text for k, (text, label) in enumerate(LABELLED)}
    files |= {f"train/unsup/{k}_0.txt": text for k, text in enumerate([*OTHERS, APART[2], LABELLED[3][0]])}
    files |= {"test/pos/0_10.txt": "never to be read", "train/urls_pos.txt": "http", "train/labeledBow.feat": "0:1"}
    with tarfile.open(folder / "aclImdb_v1.tar.gz", "w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(f"aclImdb/{name}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))


@pytest.mark.parametrize("kept_as", [as_tables, as_archive])
def test_the_text_holds_every_review_once_and_none_that_is_held_out(data, kept_as):
    kept_as(data)
    text = corpora.load("imdb").text
    expected = {prepare(text) for text in [*(text for text, _ in LABELLED), *OTHERS]} - set(map(prepare, APART))
    assert text.count("\n") == len(expected)
    assert {"\n" + part for part in text.split("\n")[1:]} == expected
    assert "never to be read" not in text
    assert corpora.load("imdb").licence


def test_tables_and_archive_give_the_same_text_in_the_same_order(data):
    as_archive(data)
    text, labelled = reviews.running_text(), reviews.labelled()
    as_tables(data)
    assert reviews.running_text() == text
    again = reviews.labelled()
    assert again.texts == labelled.texts
    assert (again.labels == labelled.labels).all()
    assert "".join(map(prepare, again.texts)) not in text, "labelled and others are mixed"


@pytest.mark.parametrize("kept_as", [as_tables, as_archive])
def test_labels_stay_with_their_texts(data, kept_as):
    kept_as(data)
    known, apart = reviews.labelled(), reviews.held_out()
    assert dict(zip(known.texts, known.labels, strict=True)) == dict(LABELLED[:25])
    assert dict(zip(apart.texts, apart.labels, strict=True)) == dict(LABELLED[25:])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "\n plain "),
        ("  a\nb \n\n c ", "\n a b c "),
        ("one<br /><br />two <BR>three<br/>", "\n one two three "),
        ("&quot;A&quot; &lt;3 &amp;amp; b", '\n "A" <3 &amp; b '),
        ("a  b", "\n a  b "),
        ("", "\n  "),
    ],
)
def test_a_review_is_on_one_line(text, expected):
    assert prepare(text) == expected


def test_without_them_the_sentence_says_how_to_get_them(data):
    with pytest.raises(corpora.CorpusError, match="`rnncore data get imdb` downloads it"):
        corpora.load("imdb")


def test_the_held_out_reviews_of_this_machine():
    """Where the corpus is at hand, the list that is shipped fits it; anywhere, it is as long as it should be."""
    assert len(reviews._apart()) == 4996
    try:
        apart, known = reviews.held_out(), reviews.labelled()
    except corpora.CorpusError:
        return
    assert len(apart.texts) == 4996
    assert len(known.texts) == 19_906
    assert not set(map(prepare, apart.texts)) & set(map(prepare, known.texts))
