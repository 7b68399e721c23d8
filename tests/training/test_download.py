"""Downloads from a server of our own that can break off, refuse, lie and ignore ranges."""

import errno
import hashlib
import random
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rnncore.errors import CorpusError
from rnncore.training import corpora, download
from rnncore.training.corpora import Downloaded, Entry, File
from rnncore.training.download import fetch

CONTENT = random.Random(0).randbytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Serve CONTENT; ``server.mood`` says how."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        mood = self.server.mood
        start = int(self.headers.get("Range", "bytes=0-")[6:-1])
        self.server.asked.append(start)
        if mood.status:
            self.send_error(mood.status)
            return
        start = start if mood.ranges else 0
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        self.wfile.write(CONTENT[start : mood.stop])
        self.close_connection = True

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def running():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def server(running, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    running.mood = SimpleNamespace(stop=len(CONTENT), ranges=True, status=None)
    running.asked = []
    running.address = f"http://127.0.0.1:{running.server_port}/file"
    return running


def get(server, path, sha256=SHA256):
    return list(fetch(server.address, path, len(CONTENT), sha256))


def test_a_download_is_whole_and_leaves_no_part(server, tmp_path):
    progress = get(server, tmp_path / "deep" / "file")
    assert (tmp_path / "deep" / "file").read_bytes() == CONTENT
    assert progress[0] == 0
    assert progress == sorted(progress)
    assert progress[-1] == len(CONTENT)
    assert not list(tmp_path.rglob("*.part"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=10)
@given(stop=st.integers(1, len(CONTENT) - 1))
@pytest.mark.parametrize("ranges", [True, False])
def test_broken_off_anywhere_it_goes_on_from_there(server, tmp_path_factory, stop, ranges):
    path = tmp_path_factory.mktemp("download") / "file"
    server.mood.stop, server.mood.ranges = stop, True
    with pytest.raises(CorpusError, match=r"broke off after \d+ of 300000 bytes; the same command again"):
        get(server, path)
    assert not path.exists()
    arrived = path.with_name("file.part").stat().st_size
    assert stop - download.PIECE < arrived <= stop
    server.mood.stop, server.mood.ranges = len(CONTENT), ranges
    get(server, path)
    assert server.asked[-1] == arrived
    assert path.read_bytes() == CONTENT


def test_stopped_by_the_caller_it_goes_on_from_there(server, tmp_path):
    some = fetch(server.address, tmp_path / "file", len(CONTENT), SHA256)
    while next(some) < 100_000:
        pass
    some.close()
    get(server, tmp_path / "file")
    assert server.asked[-1] >= 100_000
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_another_file_than_promised_is_thrown_away(server, tmp_path):
    with pytest.raises(CorpusError, match="sent another file than expected"):
        get(server, tmp_path / "file", "0" * 64)
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".lock"] == []


@pytest.mark.parametrize("status", [404, 503])
def test_a_refusal_is_said_and_costs_nothing(server, tmp_path, status):
    (tmp_path / "file.part").write_bytes(CONTENT[:1000])
    server.mood.status = status
    with pytest.raises(CorpusError, match=f"answered {status}"):
        get(server, tmp_path / "file")
    assert (tmp_path / "file.part").read_bytes() == CONTENT[:1000]


def test_no_network_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with pytest.raises(CorpusError, match=r"no connection to .* check the network"):
        list(fetch("http://127.0.0.1:9/file", tmp_path / "file", 10, SHA256))


def test_a_full_disk_is_said_and_loses_nothing(server, tmp_path, monkeypatch):
    written = Path.open

    def full(path, mode="r"):
        file = written(path, mode)
        if mode == "rb":
            return file
        write, room = file.write, [3]

        class Full:
            def __enter__(self):
                return self

            def __exit__(self, *_):
                file.close()

            def tell(self):
                return file.tell()

            def write(self, piece):
                room[0] -= 1
                if room[0] < 0:
                    raise OSError(errno.ENOSPC, "No space left on device")
                return write(piece)

        return Full()

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", full)
        with pytest.raises(CorpusError, match=r"disk is full: free 0\.1 MB"):
            get(server, tmp_path / "file")
    get(server, tmp_path / "file")
    assert server.asked == [0, 3 * download.PIECE]
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_a_folder_that_cannot_be_written_is_said(server, tmp_path):
    (tmp_path / "taken").write_text("a file, not a folder")
    with pytest.raises(CorpusError, match="cannot be written"):
        get(server, tmp_path / "taken" / "file")


def test_two_downloads_of_one_file_do_not_mix(server, tmp_path):
    with FileLock(tmp_path / "file.lock"), pytest.raises(CorpusError, match="another process"):
        get(server, tmp_path / "file")


# By name


@pytest.fixture
def pair(server, monkeypatch):
    files = tuple(File(f"pair/{name}", len(CONTENT), SHA256, server.address) for name in "ab")
    entry = Entry("pair", "two files", "none", "here", files, text=False)
    monkeypatch.setattr(corpora, "catalogue", {"pair": entry, "made": corpora.catalogue["linux"]})
    return entry


def test_a_corpus_is_downloaded_once(server, pair):
    progress = list(corpora.download("pair"))
    assert progress[-1] == Downloaded(600_000, 600_000)
    assert [step.done for step in progress] == sorted(step.done for step in progress)
    assert corpora.at_hand(pair)
    assert len(server.asked) == 2
    assert list(corpora.download("pair"))[-1] == Downloaded(600_000, 600_000)
    assert len(server.asked) == 2


def test_what_cannot_be_downloaded_is_said(pair):
    with pytest.raises(CorpusError, match="did you mean 'pair'"):
        list(corpora.download("pairs"))
    with pytest.raises(CorpusError, match="has no download"):
        list(corpora.download("made"))
