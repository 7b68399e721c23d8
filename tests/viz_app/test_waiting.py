"""What takes its time has a bar with the time left and a way to stop, and is done once."""

import gc
import time
from threading import Event, Thread

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from viz_app.components import waiting


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw the bar at once, and remember nothing of other tests."""
    st.cache_resource.clear()
    monkeypatch.setattr(waiting, "PATIENCE", 0)
    monkeypatch.setattr(waiting, "BETWEEN", 0)


def asks_twice() -> None:
    import streamlit as st

    from viz_app.components.waiting import computed

    def work(progress):
        st.session_state["worked"] = st.session_state.get("worked", 0) + 1
        progress(1, 2)
        return 7

    st.text(computed(("question",), "Counting", work) + computed(("question",), "Counting", work))


def stops_half_way() -> None:
    import streamlit as st

    from viz_app.components.waiting import computed

    def work(progress):
        progress(1, 2)
        if not st.session_state.get("finish"):
            st.stop()
        return 7

    st.text(computed(("long",), "Counting", work))


def fails_half_way() -> None:
    import streamlit as st

    import rnncore
    from viz_app.components.waiting import computed

    def work(progress):
        progress(1, 2)
        raise rnncore.Error("it will not do")

    try:
        computed(("vain",), "Counting", work)
    except rnncore.Error as error:
        st.text(str(error))


def test_of_work_that_fails_no_bar_is_left() -> None:
    app = AppTest.from_function(fails_half_way).run()
    assert app.text[0].value == "it will not do"
    assert not app.get("progress")
    assert not app.button


def test_the_same_question_is_answered_once() -> None:
    app = AppTest.from_function(asks_twice).run()
    assert not app.exception
    assert app.text[0].value == "14"
    app.run()
    assert app.session_state["worked"] == 1
    assert not app.button  # nothing is left of the bar


def test_stop_ends_the_wait_and_go_on_takes_it_up_again() -> None:
    app = AppTest.from_function(stops_half_way).run()
    bar = app.get("progress")[0].proto
    assert bar.value == 50
    assert "Counting: about" in bar.text
    app.button[0].click().run()
    assert not app.exception
    assert "Stopped: Counting" in app.info[0].value
    app.session_state["finish"] = True
    app.button[0].click().run()
    assert app.text[0].value == "7"


def test_two_visitors_with_one_question_work_once() -> None:
    results, worked = waiting._Results(), []

    def ask() -> None:
        with results.turn("question", lambda share: waited.append(share)) as turn:
            if results.get("question") is None:
                turn.share = 0.5
                started.set()
                assert let_go.wait(10)
                worked.append(1)
                results.put("question", 7)

    started, let_go, waited = Event(), Event(), []
    visitors = [Thread(target=ask), Thread(target=ask)]
    for visitor in visitors:
        visitor.start()
        assert started.wait(10)
    while not waited:
        time.sleep(0.01)
    let_go.set()
    for visitor in visitors:
        visitor.join(10)
    assert worked == [1]
    assert waited[0] == 0.5  # the second one sees how far the first one is


def test_work_that_was_given_up_is_taken_over() -> None:
    results = waiting._Results()
    with pytest.raises(KeyError), results.turn("question", lambda share: None):
        raise KeyError
    with results.turn("question", lambda share: pytest.fail("nobody works at it")):
        pass
    gc.collect()
    assert not results.turns  # nothing is kept of questions that nobody asks


def test_the_bar_follows_the_work_and_not_the_parts_where_parts_grow() -> None:
    def half() -> None:
        import streamlit as st

        from viz_app.components.waiting import computed

        computed(("grows",), "Counting", lambda progress: (progress(1, 2), st.stop()), growth=2)

    app = AppTest.from_function(half).run()
    assert app.get("progress")[0].proto.value == 25


def test_only_the_last_results_are_kept() -> None:
    results = waiting._Results()
    for number in range(waiting.KEPT + 1):
        results.put(number, str(number))
    assert results.get(0) is None
    assert results.get(waiting.KEPT) == str(waiting.KEPT)
