"""What may be loaded, and what may be fetched from the hub: by whom, and how large.

Invariant: in a server nothing is fetched unless somebody asked for just that, whatever a link names; how large it is is known
before it is fetched. On the command line and in a notebook whoever names a model has asked for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from fnmatch import fnmatchcase

from engine.core.config import settings
from engine.core.errors import Forbidden, Unavailable
from engine.core.paths import brief
from engine.people.person import Person, Role

_SERVES = threading.Event()
Told = Callable[[int], None]
_WHO: list[Callable[[], Person | None]] = []
"""Says who asks in this thread, None for the server itself; nobody where everybody may load models."""
_ASKED: ContextVar[tuple[Told, Told | None] | None] = ContextVar("who is told of this download", default=None)


class NotHere(Unavailable):
    """A model whose weights would have to be fetched first, by name."""

    def __init__(self, model: str) -> None:
        super().__init__(f"The weights of {model} are not on this machine. They are fetched when somebody asks for it.")
        self.model = model


def fetch_only_when_asked() -> None:
    """From now on, in this process: a server, where anybody's link can name any model."""
    _SERVES.set()


@contextmanager
def asked(told: Told = lambda size: None, came: Told | None = None) -> Iterator[None]:
    """Inside, in this thread, somebody asked for what is fetched; `told` hears how many bytes it has, and `came` how many more
    have come: what it raises ends the download."""
    token = _ASKED.set((told, came))
    try:
        yield
    finally:
        _ASKED.reset(token)


def may_load(model: str) -> bool:
    """Whether the settings let people load this model."""
    return any(fnmatchcase(model, pattern) for pattern in settings().limits.models)


def load_only_for(who: Callable[[], Person | None]) -> None:
    """From now on, in this process, models are loaded for people who may compute; `who` says who asks in this thread, None for
    the server itself."""
    _WHO[:] = [who]


def may_load_now() -> bool:
    """Whether a model that is not in memory yet may be loaded for whoever asks in this thread."""
    return all((person := who()) is None or person.is_at_least("member") for who in _WHO)


def check_loading(model: str) -> None:
    """Raises Forbidden where a model that is not in memory yet would be loaded for somebody who may not compute."""
    if not may_load_now():
        raise Forbidden(f"{model} is not loaded here at the moment, and loading models is for members.")


def check_name(model: str) -> None:
    """Raises Forbidden for a model that the settings let nobody load."""
    if not may_load(model):
        raise Forbidden(
            f"{brief(model)} is not among the models that may be loaded here (limits.models in vitrine.toml)."
        )


def check_download(model: str) -> None:
    """Raises Forbidden where nothing may be fetched, NotHere where nobody asked for it."""
    if fetchers() is None:
        raise Forbidden(
            f"The weights of {model} are not on this machine, and nothing is fetched from the hub here (limits.downloads)."
        )
    if _SERVES.is_set() and _ASKED.get() is None:
        raise NotHere(model)


def check_bytes(model: str, size: int | None) -> None:
    """Raises Forbidden for a file that is larger than one that may be fetched, or of a size that nobody knows."""
    most = settings().limits.download_bytes
    if size is None or size > most:
        has = "a file of unknown size" if size is None else f"a file of {size / 1e9:.1f} GB"
        raise Forbidden(
            f"The hub has {has} for {model}; here at most {most.human_readable()} may be fetched (limits.download_bytes)."
        )
    if (who := _ASKED.get()) is not None:
        who[0](size)


def watching() -> Told | None:
    """Who hears of the bytes that come, in this thread; None where nobody does."""
    who = _ASKED.get()
    return None if who is None else who[1]


def fetchers() -> Role | None:
    """Who may ask for a download; None where nobody may. In a demo nobody, unless the settings say who."""
    chosen = settings()
    if chosen.limits.downloads == "nobody" or (chosen.demo and "downloads" not in chosen.limits.model_fields_set):
        return None
    return chosen.limits.downloads


def may_fetch(person: Person) -> bool:
    """Whether this person may ask for a download."""
    role = fetchers()
    return role is not None and person.is_at_least(role)
