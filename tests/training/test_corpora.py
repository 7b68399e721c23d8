"""Corpora: known ones, the user's own files, and the standard library of the running Python."""

import gzip
import hashlib
import json.decoder
import lzma
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rnncore.training import corpora
from rnncore.training.corpora import Corpus, CorpusError


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("RNNCORE_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


# The catalogue


@pytest.mark.parametrize("entry", corpora.catalogue.values(), ids=corpora.catalogue)
def test_every_entry_can_be_had(entry):
    for file in entry.files:
        folder, _ = file.path.split("/")
        assert folder == entry.name
        assert file.size > 0
        if entry.recipe:
            assert not file.address
        else:
            assert file.address.startswith("https://")
            assert len(bytes.fromhex(file.sha256)) == 32
    assert entry.title
    assert entry.licence
    assert entry.source.startswith("https://")
    assert not entry.text or len(entry.files) == 1


@pytest.mark.parametrize(("suffix", "pack"), [("", bytes), (".xz", lzma.compress), (".gz", gzip.compress)])
def test_known_corpus_is_read_from_the_named_folder(data, suffix, pack):
    write(data / f"linux/kernel.c{suffix}", pack(b"int main(void)\r\n{\n}\n"))
    corpus = corpora.load("linux")
    assert corpus.text == "int main(void)\r\n{\n}\n"
    assert (corpus.name, corpus.licence) == ("linux", "GPL-2.0")
    assert corpora.at_hand(corpora.catalogue["linux"])


def test_the_named_folder_comes_before_the_downloads(data):
    write(corpora.folders()[-1] / "shakespeare/input.txt", b"downloaded")
    assert corpora.load("shakespeare").text == "downloaded"
    write(data / "shakespeare/input.txt", b"named")
    assert corpora.load("shakespeare").text == "named"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("shakespeare", "shakespeare/input.txt is not in .*; `rnncore data get shakespeare` downloads it"),
        ("linux", "has no download. Unpack linux-6.1.tar.xz"),
        ("sst", "not one text to train on"),
        ("shakespear", "did you mean 'shakespeare'"),
        ("qqq", "known: stdlib, shakespeare"),
    ],
)
def test_what_cannot_be_loaded_is_said(data, name, sentence):
    with pytest.raises(CorpusError, match=sentence):
        corpora.load(name)


def test_data_at_hand_is_the_data_that_the_catalogue_promises():
    """Held to whatever corpora this machine has; the hash of a text is that of its file."""
    for entry in corpora.catalogue.values():
        if entry.text and corpora.at_hand(entry):
            corpus = corpora.load(entry.name)
            assert len(corpus.text.encode()) == entry.size
            assert entry.recipe or corpus.sha256 == entry.files[0].sha256


# The user's own files


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(min_size=1).filter(lambda text: text.strip() and "\0" not in text))
@pytest.mark.parametrize(("suffix", "pack"), [(".txt", bytes), (".xz", lzma.compress), (".gz", gzip.compress)])
def test_a_file_is_read_character_for_character(tmp_path, text, suffix, pack):
    path = write(tmp_path / f"mine{suffix}", pack(text.encode()))
    corpus = corpora.load(path)
    assert corpus.text == text
    assert corpus.sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert corpora.load(str(path)) == corpus


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("empty.txt", b"", "is empty"),
        ("blank.txt", b" \n\n", "is empty"),
        ("picture.png", b"\x89PNG\r\n\x00\x01", "binary file"),
        ("old.txt", "eins\nzwei\nGrüße".encode("latin-1"), "not text in UTF-8 .byte 0xfc in line 3."),
        ("cut.xz", lzma.compress(b"text" * 100)[:40], "cannot be read"),
        ("cut.gz", gzip.compress(b"text" * 100, mtime=0)[:15], "cannot be read"),
        ("no.gz", b"plain text", "cannot be read"),
    ],
)
def test_a_file_that_is_no_text_is_said(tmp_path, name, content, sentence):
    path = write(tmp_path / name, content)
    with pytest.raises(CorpusError, match=sentence):
        corpora.load(path)


def test_a_folder_or_a_mistyped_path_names_the_file_that_is_there(tmp_path):
    write(tmp_path / "novel.txt", b"text")
    with pytest.raises(CorpusError, match=r"is a folder; name one text file in it, such as novel\.txt"):
        corpora.load(tmp_path)
    with pytest.raises(CorpusError, match=r"did you mean 'novel\.txt'"):
        corpora.load(tmp_path / "nvoel.txt")
    with pytest.raises(CorpusError, match="no such file"):
        corpora.load(tmp_path / "nowhere" / "novel.txt")


def test_two_texts_differ_in_their_hash():
    assert Corpus("a", "one").sha256 == Corpus("b", "one").sha256 != Corpus("a", "two").sha256


# The standard library


def test_standard_library_is_the_running_interpreters_source():
    files = dict(corpora.standard_library_files())
    assert files["json/decoder.py"] == Path(json.decoder.__file__).read_text()
    assert list(files) == sorted(files)
    assert not [name for name in files if name.startswith(("site-packages/", "test/", "json/tests"))]
    assert len(files) > 300


def test_standard_library_is_cut_at_the_limit():
    short, long = corpora.standard_library(1000), corpora.standard_library(200_000)
    assert len(short.text) == 1000
    assert len(long.text) == 200_000
    assert long.text.startswith(short.text)
    assert corpora.load("stdlib").text.startswith(long.text)
