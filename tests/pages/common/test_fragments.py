"""A part of a page that draws itself again is one request: what it opens is opened once."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def script() -> None:
    import streamlit as st

    from engine.core.request import once
    from pages.common.fragments import fragment

    opened: list[int] = []

    @fragment()
    def drawn(count: int) -> None:
        for _ in range(count):
            once("a file", lambda: opened.append(1))
        st.caption(f"opened {len(opened)} times for {count}")

    drawn(3)


def test_what_a_fragment_opens_is_opened_once_a_run() -> None:
    app = AppTest.from_function(script, default_timeout=30).run()
    assert [each.value for each in app.caption] == ["opened 1 times for 3"]
