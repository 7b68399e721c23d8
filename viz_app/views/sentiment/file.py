"""Sentiment, A file of texts: each text of a CSV file scored by the unit, by all units, and by its words."""

from __future__ import annotations

import pandas as pd
import streamlit as st

import rnncore
from viz_app import sentiments, state
from viz_app.components.widgets import how_to_read
from viz_app.figures.style import number
from viz_app.figures.words import capital, escaped, share, thousands
from viz_app.sentiments import LONGEST, MOST
from viz_app.views.sentiment.asked import Asked


def show(asked: Asked) -> None:
    """Show the upload, and what comes of it."""
    st.subheader("Texts of your own, scored", anchor=False)
    column = state.link("column", "")[:80]
    st.session_state["_column"] = column
    left, right = st.columns([3, 1], gap="large", vertical_alignment="bottom")
    with left:
        file = st.file_uploader("A CSV file, a text a line", type=["csv", "txt"], key="_texts_file", max_upload_size=20)
    with right:
        st.text_input(
            "Column of the texts",
            key="_column",
            max_chars=80,
            placeholder="text, sentence or review",
            on_change=lambda: state.set_link(column=st.session_state["_column"]),
        )
    if file is None:
        how_to_read(
            "The first line names the columns; the texts are in one called text, sentence or review, or in the one you "
            f"name. Up to {thousands(MOST)} texts are scored here; `rnncore sentiment MODEL --score FILE` takes any "
            "number. The file is kept nowhere."
        )
        return
    try:
        texts = sentiments.read(file.getvalue(), file.name, column)
    except rnncore.Error as error:
        st.error(f"{state.plain(capital(str(error)), 500)}.")
        return
    _scored(asked, texts, file.name.rpartition(".")[0] or "texts")


def _scored(asked: Asked, texts: list[str], name: str) -> None:
    kept = tuple(text[:LONGEST] for text in texts[:MOST])
    remarks = []
    if len(texts) > MOST:
        remarks.append(f"The file has {thousands(len(texts))} texts; the first {thousands(MOST)} are scored.")
    if long := sum(len(text) > LONGEST for text in texts[:MOST]):
        many = f"{thousands(long)} texts are" if long > 1 else "One text is"
        remarks.append(f"{many} read to the first {thousands(LONGEST)} characters.")
    if remarks:
        st.info(" ".join(remarks))
    judged = sentiments.judged(asked.name, kept)
    table = pd.concat([pd.DataFrame({"text": kept}), judged], axis=1)
    first, second = asked.found.classes
    says = float((judged["verdict"] == second).mean())
    agree = float(((judged["by_words"] > 0.5) == (judged["verdict"] == second)).mean())
    st.markdown(
        f"**{escaped(f'The unit calls {share(says)} of {thousands(len(table))} texts {second}')}**  \n"
        f":small[:gray[It agrees with the words alone on {share(agree)} of them; its mean value is "
        f"{number(float(judged['value'].mean()), signed=True)}.]]"
    )
    chance = {
        name: st.column_config.ProgressColumn(f"{second}, by {by}", min_value=0.0, max_value=1.0, format="percent")
        for name, by in (("by_unit", "the unit"), ("by_all_units", "all units"), ("by_words", "its words"))
    }
    st.dataframe(
        table,
        hide_index=True,
        height=360,
        column_config={
            "text": st.column_config.TextColumn("text", width="large"),
            "value": st.column_config.NumberColumn("unit", format="%+.2f"),
            **chance,
        },
    )
    st.download_button(
        "Download scores",
        lambda: table.to_csv(index=False).encode(),
        f"{name}-scored.csv",
        "text/csv",
        on_click="ignore",
    )
    how_to_read(
        f"The value of the unit when it has read a text to its end, the verdict, and how likely {escaped(second)} is "
        f"by three judges; the probability of {escaped(first)} is what is left. Those by the unit and by all units "
        "were calibrated, on other texts; those by the words were not. On texts of another kind all may be too sure."
    )
