"""A page that shows one thing at a time: kept in the session, always what its address says, computed when asked for.

Each such page is one `ExperimentPage`. Its state is a view (what is shown), which the address spells out; the view
asks for requests; results that are there show at once, and those that are not are offered.

Invariant: nothing is computed before somebody asks, and what was shown stays while the next thing is being made.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import streamlit as st
from pydantic import BaseModel

from engine.core.errors import VitrineError
from pages.common import errors, job_panel, query, results, serve, sharing
from pages.common.batch import Batch, give_way

if TYPE_CHECKING:
    from engine.core.request import Request, Result

View = TypeVar("View")
Flat = TypeVar("Flat", bound=BaseModel)


@dataclass(frozen=True)
class Part:
    """One request of a page: a short name that is its own on the page, its panel's title, and the request."""

    name: str
    title: str
    request: Request


@dataclass(frozen=True)
class ExperimentPage(Generic[View]):
    """How a page keeps, links and computes what it shows.

    `prefix` begins all its keys in the session; `read` and `write` turn the address into a view and back; `requests`
    gives what a view needs; `fill` puts a view into the page's widgets before they are drawn; `refusal` says why a
    view that came with a link cannot be shown (None where it can); `nothing` is said of a link that names nothing.
    """

    prefix: str
    read: Callable[[Mapping[str, str]], tuple[View | None, list[str]]]
    write: Callable[[View], dict[str, str]]
    requests: Callable[[View], Sequence[Request]]
    fill: Callable[[View], None]
    refusal: Callable[[View], str | None]
    nothing: str = "The link names no model."
    setup: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "setup", self.key("setup"))

    def key(self, name: str) -> str:
        """The session's key for this name: the widget of a view's field is called after the field."""
        return f"{self.prefix}_{name}"

    def opening(
        self, title: str, about: str, heading: str, setup: Callable[[ExperimentPage[View]], None], hint: str
    ) -> View | None:
        """The top of the page: title, what was wrong with the link, the setup, and, before anything is shown, what the
        page is about and what to do. Gives what is shown."""
        st.title(title, anchor=False)
        serve.ready()
        self.notice(self.follow_link())
        self.settle()
        view = self.shown()
        if view is None:
            st.caption(about)
        choosing = self.choosing(heading)
        if choosing.open:
            with choosing:
                setup(self)
        if view is None:
            errors.hint(hint)
        return view

    # What is shown

    def shown(self) -> View | None:
        """What is shown; None before anything was asked for."""
        return st.session_state.get(self.key("view"))

    def follow_link(self) -> list[str]:
        """Show what the address asks for when it is new (a link was opened, or a person went back). Says what was
        wrong with it, until something else is shown."""
        state, now = st.session_state, st.query_params.to_dict()
        shown = self.shown()
        if not now and shown is not None:
            st.query_params.from_dict(self.write(shown))  # back from another page, which cleared the address
        elif now and now != state.get(self.key("link")):
            view, problems = self.read(now)
            problems += [] if view is not None or problems or not self.nothing else [self.nothing]
            if view is not None and (refused := self.refusal(view)):
                view, problems = None, [*problems, refused]
            self._keep(view, now, problems)
            state[self.key("batch")], state[self.setup] = None, view is None
            if view is not None:
                self.fill(view)
        return state.get(self.key("notice")) or []

    def show(self, view: View, compute: bool) -> None:
        """Show this view from the next run on, with its link in the address; compute what is not there if asked to."""
        state = st.session_state
        self._keep(view, self.write(view), [])
        state[self.key("close")] = True
        st.query_params.from_dict(self.write(view))
        state[self.key("batch")] = None
        if compute:
            state[self.key("batch")] = Batch.of(list(self.requests(view)), serve.owner())
            give_way()
        st.rerun()

    def turn(self, view: View) -> None:
        """The same results seen another way (a slider, a click): the address follows, nothing is asked for anew."""
        if view != self.shown():
            self._keep(view, self.write(view), [])
            st.query_params.from_dict(self.write(view))

    def settle(self) -> None:
        """Close the setup when the run before asked for it (a container cannot be closed once it is drawn)."""
        if st.session_state.pop(self.key("close"), False):
            st.session_state[self.setup] = False

    def _keep(self, view: View | None, link: dict[str, str], notice: list[str]) -> None:
        state = st.session_state
        state[self.key("view")], state[self.key("link")], state[self.key("notice")] = view, link, notice

    # What is computed for it

    def batch(self, requests: Sequence[Request]) -> Batch | None:
        """The jobs of this view: those that this session started, or those that are on already (a reloaded page)."""
        from engine.jobs.scheduler import jobs

        state, name = st.session_state, self.key("batch")
        if state.get(name) is None:
            running = {job.id for job in jobs().active()}
            mine = [request for request in requests if request.key() in running]
            if mine:
                state[name] = Batch.of(mine, serve.owner())
        return state.get(name)

    def results(self, parts: Sequence[Part], offer: str) -> dict[str, Result]:
        """The results that are there, by the part's name. Draws the progress of those on their way, and `offer` with a
        button for those that nobody asked for. Raises VitrineError where a model or data set is not there."""
        keys = {part.name: part.request.key() for part in parts}
        computed = {name: result for name, key in keys.items() if (result := results.find(key)) is not None}
        absent = [part for part in parts if part.name not in computed]
        if not absent:
            return computed
        batch = self.batch([part.request for part in parts])
        results.tell_changes([part.request for part in absent])
        self.offer([keys[part.name] for part in absent], batch, lambda count: offer)
        if batch is not None:
            titles = {keys[part.name]: part.title for part in absent if keys[part.name] in batch.requests}
            job_panel.draw(batch, titles, self.prefix)
        return computed

    def offer(self, absent: Collection[str], batch: Batch | None, text: Callable[[int], str]) -> None:
        """A button that computes what is shown, where some of these keys are neither there nor on their way; `text` says how
        it stands with so many of them."""
        on_their_way = coming(batch)
        if count := sum(key not in on_their_way for key in absent):
            errors.hint(text(count), "hourglass_empty")
            if st.button("Compute", type="primary", icon=":material/play_arrow:", key=self.key("compute")):
                shown = self.shown()
                assert shown is not None, "an offer is made for what is shown"
                self.show(shown, compute=True)

    # Around it

    def notice(self, problems: Sequence[str]) -> None:
        """What of a link could not be followed."""
        if problems:
            st.warning(
                "  \n".join(map(errors.escape, problems)),
                title="Parts of this link could not be used",
                icon=":material/link_off:",
            )

    def choosing(self, label: str) -> Any:
        """The expander that holds the page's widgets: open until something is shown. Draw into it while `.open`."""
        st.session_state.setdefault(self.setup, self.shown() is None)
        return st.expander(label, icon=":material/tune:", key=self.setup, on_change="rerun")

    def bar(
        self,
        summary: str,
        parts: Sequence[Part],
        beside: Callable[[], None] = lambda: None,
        name: str = "vitrine",
        holds: str = sharing.NUMBERS,
    ) -> None:
        """One line above the results: what they are, the link to them, and all of them as a ZIP file of this name that holds
        this. `beside` draws what else stands there."""
        shown = self.shown()
        assert shown is not None, "a bar stands over what is shown"
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.caption(summary, width="content")
            with st.container(horizontal=True, width="content", vertical_alignment="center"):
                beside()
                keys = [part.request.key() for part in parts]
                sharing.link_and_zip(self.write(shown), keys, self.prefix, name, holds)


def flat_page(
    prefix: str,
    kind: type[Flat],
    requests: Callable[[Flat], Sequence[Request]],
    nothing: str = "The link names no model.",
    fill: Callable[[Flat], None] | None = None,
    refusal: Callable[[Flat], str | None] | None = None,
) -> ExperimentPage[Flat]:
    """The page whose state is a flat frozen pydantic model: each field is a query parameter of the same name, and (unless
    `fill` does it another way) is put into the widget `prefix_field` when a link is followed. A view is refused (unless
    `refusal` knows better) where one of its requests reads something that is not there."""

    def put(view: Flat) -> None:
        for name in kind.model_fields:
            value = getattr(view, name)
            st.session_state[f"{prefix}_{name}"] = list(value) if isinstance(value, tuple) else value

    def refused(view: Flat) -> str | None:
        try:
            for request in requests(view):
                request.key()
        except VitrineError as error:
            return str(error)
        return None

    read = partial(query.read, kind)
    return ExperimentPage(prefix, read, query.write, requests, fill or put, refusal or refused, nothing)


def coming(batch: Batch | None) -> set[str]:
    """The keys of results that are on their way."""
    from engine.jobs.scheduler import jobs

    return batch.coming(jobs()) if batch else set()
