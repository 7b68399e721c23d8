"""Generate: a model writes on from a prompt, and shows at every character what else it might have written."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import streamlit as st

import rnncore
from rnncore import LanguageModel
from rnncore.network.generate import Written
from viz_app import controls, state
from viz_app.components import writing
from viz_app.components.widgets import how_to_read
from viz_app.figures.words import share, symbol, thousands
from viz_app.whatif import Choice, Sampling, surprise

IN_LINK = 200
"""A longer prompt does not go into the link."""

READ = 5_000
"""A longer prompt is read from its last this many characters on."""

PIECE, MOST = 400, 2_000
"""How many characters are written at first, and at most."""


def page() -> None:
    """Show the page."""
    chosen = controls.bar(text=False, layer=False).model
    model = state.model(chosen)
    prompt = _prompt()
    sampling = Sampling(
        temperature=state.link("temperature", 0.8, low=0, high=2),
        top_k=state.link("k", 0, low=0, high=len(model.vocabulary)),
        top_p=state.link("p", 1.0, low=0.05, high=1),
        seed=state.link("seed", 1, low=0, high=999_999_999),
    )
    length = state.link("length", PIECE, low=1, high=MOST)
    choices, written = _written(chosen, prompt[-READ:], length, sampling)

    st.title(_finding(chosen, written))
    left, right = st.columns([8, 4], gap="large")
    with left:
        st.markdown(f":small[:gray[{_lead(written, choices)}]]")
        _remarks(model, prompt)
        writing.show(
            prompt[-READ:],
            written,
            model.vocabulary,
            chosen=[choice.at for choice in choices],
            name=f"{chosen}-seed-{sampling.seed}",
            key="writing",
            on_choice=lambda at, token: _choose(choices, at, token, model.vocabulary.symbols),
        )
        how_to_read(
            "Strongly marked: the model was nearly certain of this character. Faintly: it could have gone on in many "
            "ways, as at the start of a word. Were every character marked as its neighbour is, it would have learned "
            "letters and no words."
        )
    with right:
        _settings(prompt, sampling, length, len(model.vocabulary))


# ---- what is written -----------------------------------------------------------------------------------------


def _written(name: str, prompt: str, length: int, sampling: Sampling) -> tuple[tuple[Choice, ...], tuple[Written, ...]]:
    """Return the choices of the link and the text; a choice that cannot be made is left out with a sentence."""
    asked = state.link("choices", "")
    try:
        choices = parsed(asked, state.model(name).vocabulary.symbols)
        return choices, state.writing(name, prompt, length, sampling, choices)
    except (ValueError, rnncore.Error) as error:
        if not asked:
            raise
        state.refuse("choices", f"This link chooses characters that cannot be had here: {error}. Showing none of them.")
        state.link("choices", "")
        return (), state.writing(name, prompt, length, sampling)


def parsed(asked: str, symbols: Sequence[str]) -> tuple[Choice, ...]:
    """Return the choices that a link writes as position.codepoint, with a dash between two.

    A symbol of several characters is written as position.s and its number among the model's ``symbols``.
    """
    if not asked:
        return ()
    if not re.fullmatch(r"\d{1,6}\.s?\d{1,7}(-\d{1,6}\.s?\d{1,7}){0,99}", asked):
        raise ValueError("they are written as position.code, such as 12.101-40.32")
    pairs = (pair.split(".") for pair in asked.split("-"))
    return tuple(sorted(Choice(int(at), _token(code, symbols)) for at, code in pairs))


def _token(code: str, symbols: Sequence[str]) -> str:
    if code[0] != "s":
        return chr(int(code))
    if int(code[1:]) >= len(symbols):
        raise ValueError(f"there is no symbol {code[1:]} among {len(symbols)}")
    return symbols[int(code[1:])]


def _choose(choices: Sequence[Choice], at: int, token: str, symbols: Sequence[str]) -> None:
    """Keep the choices before ``at``, make this one, and let the model go on from there."""
    kept = [choice for choice in choices if choice.at < at]
    link = [f"{one.at}.{_code(one.token, symbols)}" for one in [*kept, Choice(at, token)]]
    state.set_link(choices="-".join(link))


def _code(token: str, symbols: Sequence[str]) -> str:
    return str(ord(token)) if len(token) == 1 else f"s{symbols.index(token)}"


# ---- words ---------------------------------------------------------------------------------------------------


def _finding(name: str, written: Sequence[Written]) -> str:
    nats, one = surprise(written), symbol(state.model(name).vocabulary.kind)
    return f"{state.plain(name)}: {nats:.2f} nats of surprise a {one}, a choice among {math.exp(nats):.1f}"


def _lead(written: Sequence[Written], choices: Sequence[Choice]) -> str:
    sure = sum(step.probability > 0.5 for step in written) / len(written)
    unlikely = sum(step.probability < 0.1 for step in written) / len(written)
    first = sum(step.token == step.alternatives[0][0] for step in written) / len(written)
    made = f" {len(choices)} of them {'was' if len(choices) == 1 else 'were'} chosen by you." if choices else ""
    return (
        f"Of {thousands(len(written))} characters it was more than half certain of {share(sure)}; {share(first)} were "
        f"its first guess, {share(unlikely)} had less than one chance in ten.{made}"
    )


def _remarks(model: LanguageModel, prompt: str) -> None:
    unseen = model.vocabulary.unknown(prompt[-READ:])
    if len(prompt) > READ:
        st.info(f"The prompt has {thousands(len(prompt))} characters; the model reads the last {thousands(READ)}.")
    if len(prompt) > IN_LINK:
        st.info(
            f"A prompt of more than {IN_LINK} characters does not go into the link; who opens it starts without one."
        )
    if unseen:
        some = ", ".join(state.plain(repr(symbol)) for symbol in unseen[:8])
        more = f" and {len(unseen) - 8} others" if len(unseen) > 8 else ""
        st.warning(f"{state.plain(model.name)} has never seen {some}{more}: it reads nothing in the dashed frames.")


# ---- settings ------------------------------------------------------------------------------------------------


def _prompt() -> str:
    """Return the prompt: a short one is in the link, a long one only in this session."""
    short = state.link("prompt", "")
    if short:
        st.session_state.pop("_long_prompt", None)
    return short or st.session_state.get("_long_prompt", "")


def _set_prompt() -> None:
    prompt = st.session_state["_generate_prompt"]
    long = len(prompt) > IN_LINK
    st.session_state["_long_prompt"] = prompt if long else ""
    state.set_link(prompt="" if long else prompt, choices="")


def _settings(prompt: str, sampling: Sampling, length: int, symbols: int) -> None:
    def held(key: str, value: object) -> dict[str, object]:
        """Hold a widget in the link under ``key``; another value starts without choices."""
        widget = f"_generate_{key}"
        st.session_state[widget] = value
        return {"key": widget, "on_change": lambda: state.set_link(**{key: st.session_state[widget], "choices": ""})}

    st.session_state["_generate_prompt"] = prompt
    st.text_area(
        "Prompt",
        key="_generate_prompt",
        height=100,
        on_change=_set_prompt,
        placeholder="Nothing: it starts on a new line",
    )
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Continue",
            type="primary",
            disabled=length >= MOST,
            help=f"{PIECE} characters more, at most {thousands(MOST)}",
            on_click=lambda: state.set_link(length=min(MOST, length + PIECE)),
        )
        st.button(
            "Again", help="With another seed", on_click=lambda: state.set_link(seed=sampling.seed + 1, choices="")
        )
    st.slider(
        "Temperature",
        0.0,
        2.0,
        step=0.05,
        help="Below 1 the model keeps to what it holds likely; 0 always takes the likeliest; above 1 it dares more.",
        **held("temperature", sampling.temperature),
    )
    st.slider(
        "Top p",
        0.05,
        1.0,
        step=0.05,
        help="Only the fewest characters that hold this share of the probability.",
        **held("p", sampling.top_p),
    )
    one, two = st.columns(2)
    with one:
        st.number_input(
            "Top k",
            0,
            symbols,
            step=1,
            help="Only the k likeliest characters; 0 takes all.",
            **held("k", sampling.top_k),
        )
    with two:
        st.number_input(
            "Seed", 0, 999_999_999, step=1, help="The same seed gives the same text.", **held("seed", sampling.seed)
        )
    st.slider("Characters", 1, MOST, **held("length", length))
    st.markdown(
        ":small[:gray[Point at a character to see what else it might have been; click one of those and the text is "
        "rewritten from there. The colours show the model's own probabilities, before temperature, top k and top p.]]"
    )
