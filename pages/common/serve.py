"""What happens once for the whole server: warming the engine up, and preparing what pages open on.

Invariants: the first paint never waits for torch. It is imported in the background; pages wait for it in `ready`. What is
prepared makes room for whatever a person asks for.
"""

from __future__ import annotations

import atexit
import ctypes
import functools
import gc
import importlib
import logging
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from typing import Any

import streamlit as st

from engine.core import config, experiments
from engine.core.choices import DEFAULT_MODELS, DEFAULT_READER
from engine.core.errors import VitrineError
from engine.core.request import Request, one_request
from engine.models import guard
from engine.sharing import recording
from pages.common import results, who
from pages.common.experiments import drawings

log = logging.getLogger(__name__)

BASE = (
    "models.catalog",
    "data.registry",
    "core.export",
    "jobs.scheduler",
    "visualization.recipes",
    "concepts.browsing",
    "claims.order",
)
"""What pages need of the engine beside its experiments."""


HEAD_START_SECONDS = 10.0
"""How long the engine's import waits for a first page to be drawn, or for a page that needs the engine."""


class _Warmth:
    """The one background import of the engine in this process."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.wanted = threading.Event()
        self.thread = threading.Thread(target=self._import, name="warm-up", daemon=True)
        self.thread.start()

    def _import(self) -> None:
        self.wanted.wait(HEAD_START_SECONDS)  # importing torch would hold up the first look at home
        try:
            for name in BASE:
                importlib.import_module(f"engine.{name}")
            for entry in experiments.experiments().values():
                importlib.import_module(entry.module)
            experiments.import_plugins()
            drawings.load()
            recording.recorder()
            from engine.core import devices

            devices.describe(devices.pick())  # measures the device, once
            # The modules stay for good: later collections need not look at them. Models are loaded after this.
            gc.collect()
            gc.freeze()
            # Else Python's end finds them alive, and their libraries fill the terminal with complaints.
            atexit.register(gc.unfreeze)
        except Exception as error:  # told to whoever waits
            self.error = error


ARENAS, _M_ARENA_MAX = 2, -8  # the second as in malloc.h
SWITCH_SECONDS = 0.001
"""How long a thread keeps Python's lock while others wait for it. A part of a page that draws itself hands the lock over dozens
of times, to the browser's connection and the store; at Python's usual 5 ms it waits as often for somebody else's page."""
PAUSE_SECONDS = 20.0
"""After the engine is there: whoever started the server looks at the first page meanwhile."""


@functools.cache
def warm_up() -> _Warmth:
    """Start importing the engine, once for the process."""
    return _Warmth()


def is_ready() -> bool:
    """Whether the engine is imported, without waiting."""
    return not warm_up().thread.is_alive()


def ready() -> None:
    """Wait for the engine, under a placeholder. Raises what went wrong while it was imported."""
    warmth = warm_up()
    warmth.wanted.set()
    if warmth.thread.is_alive():
        with st.skeleton(height=320):
            st.caption("Loading the engine. This takes a few seconds after the server starts.")
            warmth.thread.join()
            st.rerun()
    if warmth.error is not None:
        raise warmth.error


def drawn() -> None:
    """A page stands: from now on importing the engine holds up nobody's first look."""
    warm_up().wanted.set()


def keep_memory_together() -> bool:
    """Have C's allocator take its memory from two places. Each run of a page is a thread of its own, and with a place for each
    few threads all of them fill up with gaps: hundreds of megabytes in an hour. False where there is no glibc."""
    try:
        return bool(ctypes.CDLL("libc.so.6").mallopt(_M_ARENA_MAX, ARENAS))
    except (OSError, AttributeError):
        return False


def lifespan(
    first: Callable[[], object], ahead: Callable[[], object], quiet: Callable[[], Iterable[Request]]
) -> Callable[[Any], AbstractAsyncContextManager[None]]:
    """Around the server's life: what the `first` page reads is there before a browser comes; the engine warms up after that page
    or some seconds; then the server looks `ahead`, and makes the `quiet` requests."""

    @asynccontextmanager
    async def life(_app: Any) -> AsyncIterator[None]:
        sys.setswitchinterval(SWITCH_SECONDS)
        keep_memory_together()
        try:
            first()
        except Exception:  # said on the page itself
            log.exception("What the first page shows could not be read")
        guard.fetch_only_when_asked()
        guard.load_only_for(who.asking)
        warm_up()
        ends = threading.Event()
        threading.Thread(target=prepare, args=(ahead, quiet, ends), name="prepare", daemon=True).start()
        threading.Thread(target=clear_up, args=(ends,), name="clear-up", daemon=True).start()
        yield
        ends.set()

    return life


HOUR = 3600.0


def clear_up(ends: threading.Event) -> None:
    """Every hour: remove the uploads that nobody has used for as long as the settings say."""
    warm_up().thread.join()
    while True:
        try:
            from engine.data import belongings

            if removed := belongings.remove_old():
                log.info("%d uploads were unused for too long and are deleted", removed)
                results.forget()
        except Exception:  # nobody waits for it
            log.exception("Uploads that are too old could not be deleted")
        if ends.wait(HOUR):
            return


def prepare(
    ahead: Callable[[], object],
    quiet: Callable[[], Iterable[Request]],
    ends: threading.Event,
    pause: float = PAUSE_SECONDS,
) -> None:
    """Look into the models that pages open on as soon as the engine is there, and further `ahead`, so that no page's first run
    waits for it. Some time later ask for the `quiet` requests in the name of the server, unless the server ends first or the
    settings say otherwise. What cannot be made here (a model that is not installed) is left out."""
    warmth = warm_up()
    warmth.thread.join()
    if warmth.error is not None:
        return
    with one_request(), _without_a_page():
        _look_into(*DEFAULT_MODELS, DEFAULT_READER)
        try:
            ahead()
        except Exception:  # nobody waits for it; the page says what is wrong
            log.exception("What a page opens on could not be looked at")
    if ends.wait(pause):
        return
    try:
        if not config.settings().prepares:
            return
        from engine.jobs.scheduler import jobs
        from engine.people.person import SERVER

        for request in quiet():
            with suppress(VitrineError):
                jobs().submit(request, SERVER, "prepared")
    except Exception:  # nobody waits for it
        log.exception("What pages open on could not be prepared")


@contextmanager
def _without_a_page() -> Iterator[None]:
    """What pages remember is filled here while no page runs, of which Streamlit would warn each time."""
    me, warns = threading.get_ident(), logging.getLogger("streamlit.runtime.scriptrunner_utils.script_run_context")

    def of_others(_record: logging.LogRecord) -> bool:
        return threading.get_ident() != me

    warns.addFilter(of_others)
    try:
        yield
    finally:
        warns.removeFilter(of_others)


def _look_into(*models: str) -> None:
    """Find the sites of these models, where they are here, and load them where they are worked with in this process."""
    from engine.jobs.executors.places import devices_of
    from engine.models import catalog

    chosen = config.settings().cluster
    alone = chosen.executor == "local" and not devices_of(chosen)
    for name in models:
        try:
            catalog.sites_of(name)
            if alone:
                catalog.load(name)
        except VitrineError as error:
            log.info("%s", error)
