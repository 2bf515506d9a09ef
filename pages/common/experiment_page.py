"""A page that shows one thing at a time: kept in the session, always what its address says, computed when asked for.

Each such page is one `ExperimentPage`. Its state is a view (what is shown), which the address spells out; the view
asks for requests; results that are there show at once, and those that are not are offered.

A page opens on a finished example where it has one, under one line of controls.

Invariant: nothing is computed before somebody asks, and what was shown stays while the next thing is being made.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import streamlit as st
from pydantic import BaseModel

from engine.core.errors import VitrineError
from pages.common import errors, job_panel, query, results, serve, sharing, who
from pages.common.batch import Batch
from pages.common.keeping import kinds

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from engine.core.request import Request, Result
    from engine.sharing.items import Item

VIEWING = "This is not computed yet. Here you may open what is computed; computing is for members."
CHANGED = ":material/update: Below is still what was asked for before. Press **Run** to see your new choice."
FEW = 4
"""As many requests, of a second or two each, are made though nobody pressed a button."""
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
    view that came with a link cannot be shown (None where it can); `nothing` is said of a link that names nothing;
    `example` is what the page shows before anybody asked for anything.
    """

    prefix: str
    read: Callable[[Mapping[str, str]], tuple[View | None, list[str]]]
    write: Callable[[View], dict[str, str]]
    requests: Callable[[View], Sequence[Request]]
    fill: Callable[[View], None]
    refusal: Callable[[View], str | None]
    nothing: str = "The link names no model."
    example: Callable[[], View] | None = None

    def key(self, name: str) -> str:
        """The session's key for this name: the widget of a view's field is called after the field."""
        return f"{self.prefix}_{name}"

    def opening(
        self,
        title: str,
        about: str,
        setup: Callable[[ExperimentPage[View]], None],
        hint: str = "",
        heading: Callable[[View], bool] | None = None,
    ) -> View | None:
        """The top of the page: its title and what it is about, what was wrong with the link, and the controls, which `setup`
        draws: one line with Run, and all else in `advanced`. Gives what is shown; says the `hint` where nothing is. `heading`
        draws what stands instead of the title over some views, and says whether it did."""
        place, waits = st.container(), heading is None or not serve.is_ready()
        if waits:
            _title(place, title, about)
        serve.ready()
        problems = self.follow_link()
        view = self.shown()
        if heading is not None and not waits:
            with place:
                if view is None or not heading(view):
                    _title(place, title, about)
        self.notice(problems)
        setup(self)
        view = self.shown()
        if view is None and hint:
            errors.hint(hint)
        return view

    def advanced(self) -> Any:
        """Where the controls stand that most people leave alone. Draw into it."""
        return st.expander("Advanced", icon=":material/tune:", key=self.key("advanced"))

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
            if not self.is_example():
                st.query_params.from_dict(self.write(shown))  # back from another page, which cleared the address
        elif not now and self.example is not None:
            self._open_example(self.example)
        elif now and now != state.get(self.key("link")):
            view, problems = self.read(now)
            problems += [] if view is not None or problems or not self.nothing else [self.nothing]
            if view is not None and (refused := self.refusal(view)):
                view, problems = None, [*problems, refused]
            self._keep(view, now, problems)
            state[self.key("batch")] = None
            if view is not None:
                self.fill(view)
                # A link from this page to itself brings its parameters, but leaves the browser's address as it was.
                st.query_params.from_dict(now)
        return state.get(self.key("notice")) or []

    def show(self, view: View, compute: bool) -> None:
        """Show this view from the next run on, with its link in the address; compute what is not there if asked to. Raises
        VitrineError, and leaves what is shown, where something that is to be computed reads what is not there."""
        batch = Batch.of(list(self.requests(view)), who.person()) if compute else None
        self._keep(view, self.write(view), [])
        st.query_params.from_dict(self.write(view))
        st.session_state[self.key("batch")] = batch
        st.rerun()

    def turn(self, view: View) -> None:
        """The same results seen another way (a slider, a click): the address follows, nothing is asked for anew."""
        if view != self.shown():
            self._keep(view, self.write(view), [])
            st.query_params.from_dict(self.write(view))

    def tell_choice(self, chosen: BaseModel, says: Collection[str] = ()) -> None:
        """Say so where what is shown is not what the controls say: `chosen`, in the fields that they set, or those that it
        `says`."""
        shown, names = self.shown(), says or chosen.model_fields_set
        if shown is not None and any(getattr(shown, name) != getattr(chosen, name) for name in names):
            st.caption(CHANGED)

    def is_example(self) -> bool:
        """Whether what is shown is the page's example, for which nobody asked: its address stays bare."""
        return not st.session_state.get(self.key("link"))

    def _open_example(self, example: Callable[[], View]) -> None:
        """Show the example, unless the page's widgets say something already, or it cannot be shown here, which is no news."""
        if any(str(name).startswith(self.key("")) for name in st.session_state):
            return
        with suppress(VitrineError):
            view = example()
            if self.refusal(view) is None:
                self._keep(view, {}, [])
                self.fill(view)

    def _keep(self, view: View | None, link: dict[str, str], notice: list[str]) -> None:
        state = st.session_state
        state[self.key("view")], state[self.key("link")], state[self.key("notice")] = view, link, notice

    # What is computed for it

    def batch(self, requests: Sequence[Request]) -> Batch | None:
        """The jobs of this view: those that this session started, or those that are on already (a reloaded page)."""
        from engine.jobs.scheduler import jobs

        state, name = st.session_state, self.key("batch")
        if state.get(name) is None:
            computes = who.person().is_at_least("member")
            running = {job.id for job in jobs().active() if computes and not jobs().snapshot(job).quiet}
            mine = [request for request in requests if request.key() in running]
            if mine:
                state[name] = Batch.of(mine, who.person())
        return state.get(name)

    def at_once(self, requests: Sequence[Request]) -> bool:
        """Ask for those that are not there though nobody pressed a button, where all of them take a second or two; once, and not
        again after they failed or were cancelled. Whether it was done now. Raises VitrineError where one cannot be keyed."""
        from pages.common.units.quick import is_quick

        absent = [each for each in requests if results.find(each.key()) is None]
        if not absent or self.batch(requests) is not None or not who.person().is_at_least("member"):
            return False
        if quick := len(absent) <= FEW and all(map(is_quick, absent)):
            st.session_state[self.key("batch")] = Batch.of(absent, who.person())
        return quick

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
        self.offer([keys[part.name] for part in absent], batch, offer)
        if batch is not None:
            titles = {keys[part.name]: part.title for part in absent if keys[part.name] in batch.requests}
            job_panel.draw(batch, titles, self.prefix)
        return computed

    def offer(self, absent: Collection[str], batch: Batch | None, text: str) -> None:
        """This text and a button that computes what is shown, where some of these keys are neither there nor on their way."""
        if set(absent) - coming(batch):
            if not who.person().is_at_least("member"):
                errors.hint(VIEWING, "visibility")
                return
            errors.hint(text, "hourglass_empty")
            if st.button("Run", type="primary", icon=":material/play_arrow:", key=self.key("compute")):
                shown = self.shown()
                assert shown is not None, "an offer is made for what is shown"
                self.show(shown, compute=True)

    # Around it

    def notice(self, problems: Sequence[str]) -> None:
        """What of a link could not be followed."""
        if problems:
            st.warning(
                "  \n".join(errors.told(problem) for problem in problems),
                title="Parts of this link could not be used",
                icon=":material/link_off:",
            )
            for model in _to_fetch(st.query_params.to_dict().values()):
                errors.offer_to_fetch(model)

    def bar(
        self,
        summary: str,
        parts: Sequence[Part],
        beside: Callable[[], None] = lambda: None,
        name: str = "vitrine",
        holds: str = sharing.NUMBERS,
        keeps: Callable[[], Item] | None = None,
    ) -> None:
        """One line above the results: what they are, the link to them, all of them as a ZIP file of this name that holds
        this, and what adds them (or what it `keeps`) to a collection. `beside` draws what else stands there."""
        shown = self.shown()
        assert shown is not None, "a bar stands over what is shown"
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.caption(summary, width="content")
            with st.container(horizontal=True, width="content", vertical_alignment="center"):
                beside()
                keys = [part.request.key() for part in parts]
                title = kinds.title_of([part.request for part in parts]) if parts else name
                params = self.write(shown)
                kept = keeps or partial(kinds.view, title, params, keys)
                sharing.link_and_zip(params, keys, self.prefix, name, holds, kept)


def _title(place: DeltaGenerator, title: str, about: str) -> None:
    place.title(title, anchor=False)
    place.caption(about)


def flat_page(
    prefix: str,
    kind: type[Flat],
    requests: Callable[[Flat], Sequence[Request]],
    nothing: str = "The link names no model.",
    fill: Callable[[Flat], None] | None = None,
    refusal: Callable[[Flat], str | None] | None = None,
    example: Callable[[], Flat] | None = None,
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
    return ExperimentPage(prefix, read, query.write, requests, fill or put, refusal or refused, nothing, example)


def _to_fetch(values: Iterable[str]) -> list[str]:
    """The models that these parameters of a link name and that would have to be fetched first."""
    from engine.models import catalog

    named = dict.fromkeys(part.partition("@")[0] for value in values for part in value.split(",") if "/" in part)
    absent = []
    for name in named:
        with suppress(VitrineError):
            entry = catalog.find(name)
            if not entry.available and catalog.source_of(entry).place(entry) is not None:
                absent.append(entry.name)
    return absent


def coming(batch: Batch | None) -> set[str]:
    """The keys of results that are on their way."""
    from engine.jobs.scheduler import jobs

    return batch.coming(jobs()) if batch else set()
