"""The page Generate."""

import json
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import rnncore
from rnncore.network import checkpoint
from viz_app.views import generate
from viz_app.whatif import Choice

SYMBOLS = "abcdefgh \n"


def app(**link: str) -> AppTest:
    def script() -> None:
        from viz_app import state
        from viz_app.views import generate

        state.turn("generate")
        generate.page()

    at = AppTest.from_function(script, default_timeout=120)
    for key, value in link.items():
        at.query_params[key] = value
    return at


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models with a small one, with random weights, in it."""
    folder = tmp_path_factory.mktemp("pretrained")
    vocabulary = rnncore.Vocabulary.characters(SYMBOLS)
    made = rnncore.build("lstm", vocabulary=vocabulary, layers=1, units=16, seed=5)
    checkpoint.save(made, folder / "tiny")
    return folder


@pytest.fixture(autouse=True)
def folders(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNNCORE_PRETRAINED", str(model))
    monkeypatch.setenv("RNNCORE_RUNS", str(tmp_path / "runs"))


def shown(at: AppTest) -> dict[str, Any]:
    """What the browser's component received."""
    packets = (getattr(getattr(one, "proto", None), "json", "") for one in at.main)
    (packet,) = (packet for packet in packets if "likeliest" in packet)
    return dict(json.loads(packet))


def words(at: AppTest) -> str:
    return " ".join(element.value for element in (*at.title, *at.markdown, *at.info, *at.warning, *at.error))


@pytest.mark.parametrize(
    "link", [{}, {"seed": "7", "temperature": "1.3", "k": "4", "p": "0.9", "prompt": "abc", "length": "123"}]
)
def test_a_link_gives_the_text_that_rnncore_generates(link: dict[str, str], model: Path) -> None:
    at = app(**link).run()
    assert not at.exception
    prompt = link.get("prompt", "")
    text = rnncore.generate(
        rnncore.load(model / "tiny"),
        prompt,
        length=int(link.get("length", 400)),
        temperature=float(link.get("temperature", 0.8)),
        top_k=int(link["k"]) if "k" in link else None,
        top_p=float(link["p"]) if "p" in link else None,
        seed=int(link.get("seed", 1)),
    )
    data = shown(at)
    assert data["text"] == prompt + text
    for flat in data["likeliest"]:
        assert sum(flat[1::2]) <= 1.001


def test_the_finding_is_the_models_own_score(model: Path) -> None:
    at = app(prompt="abc").run()
    text = shown(at)["text"]
    loaded = rnncore.load(model / "tiny")
    nats = (rnncore.score(loaded, "abc") - rnncore.score(loaded, text)) / 400
    assert f"{nats:.2f} nats of surprise" in at.title[0].value


def test_continue_goes_on_and_again_takes_another_seed() -> None:
    at = app().run()
    first = shown(at)["text"]
    at.button[0].click().run()
    assert shown(at)["text"].startswith(first)
    assert len(shown(at)["text"]) == 800
    at.button[1].click().run()
    assert not shown(at)["text"].startswith(first)
    assert at.query_params["seed"] == "2"


def test_characters_never_seen_are_said_and_marked() -> None:
    at = app(prompt="aZé").run()
    assert not at.exception
    assert shown(at)["prompt"] == [["a", True], ["Z", False], ["é", False]]
    assert "has never seen 'Z', 'é'" in words(at)


def test_five_megabytes_of_prompt_are_read_from_their_end() -> None:
    at = app().run()
    at.text_area[0].set_value("abc " * 1_300_000).run()
    assert not at.exception
    assert "the model reads the last" in words(at)
    assert len(shown(at)["prompt"]) == generate.READ
    assert "prompt" not in at.query_params


@pytest.mark.parametrize(
    ("link", "sentence"),
    [
        ({"temperature": "hot"}, "no number"),
        ({"temperature": "nan"}, "no number"),
        ({"length": "900000"}, "from 1 to 2,000"),
        ({"p": "0"}, "from 0.05 to 1"),
        ({"k": "-1"}, "from 0 to 10"),
        ({"choices": "nonsense"}, "Showing none of them"),
        ({"choices": "3.1114112"}, "Showing none of them"),
        ({"choices": "3.90"}, "Showing none of them"),
    ],
)
def test_a_bad_link_is_a_sentence(link: dict[str, str], sentence: str) -> None:
    at = app(**link).run()
    assert not at.exception
    assert sentence in words(at)
    assert len(shown(at)["tokens"]) == 400


def test_a_choice_in_the_link_is_made() -> None:
    plain = shown(app().run())
    at, symbols = 5, plain["symbols"]
    other = next(symbols[place] for place in plain["likeliest"][at][::2] if symbols[place] != plain["tokens"][at])
    changed = shown(app(choices=f"{at}.{ord(other)}").run())
    assert changed["tokens"][:at] == plain["tokens"][:at]
    assert changed["tokens"][at] == other
    assert changed["chosen"] == [at]


def test_choices_are_read_in_order() -> None:
    assert generate.parsed("40.32-12.101-50.s1", ("a", " the")) == (
        Choice(12, "e"),
        Choice(40, " "),
        Choice(50, " the"),
    )
    assert generate.parsed("", ()) == ()
    with pytest.raises(ValueError, match="no symbol 2 among 2"):
        generate.parsed("1.s2", ("a", " the"))


def test_markup_in_a_prompt_stays_text() -> None:
    prompt = "<img src=x onerror=alert(1)>"
    at = app(prompt=prompt).run()
    assert shown(at)["text"].startswith(prompt)
    assert "<img" not in words(at)
