"""What pages read: results by key, data sets, and PNG bytes of both. Kept in memory while they are looked at.

Invariant: everything here can be thrown away at any time; the result store is what keeps results.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.common import errors, overlay

if TYPE_CHECKING:
    from engine.core.request import Request, Result
    from engine.data.registry import Dataset


_OTHERS = "results_of_other_precisions"
_LOOKED = "results_looked_at"
MOST_NAMED = 4
MOST_PICTURES, MOST_SCENES = 384, 1024
"""How many encoded pictures of each kind are kept, of up to 100 KB each, and how many small ones: some 100 MB for all kinds
together. A busy server has them within minutes, and holds no more however long it runs."""
LISTED_SECONDS = 2
"""How long a page goes by what it saw in a data folder."""


class _Missing(Exception):
    """Raised so that an absent result is not remembered."""


def find(key: str) -> Result | None:
    """The result under a key, or None when it is not computed or was evicted."""
    if (result := read(key)) is not None:
        _note(result)
    return result


def read(key: str) -> Result | None:
    """The same for what no page shows by itself: nothing is noted of it."""
    try:
        return _result(key)
    except _Missing:
        return None


def is_stored(request: Request) -> bool:
    """Whether a result is there, without reading it. Raises VitrineError where a model or data set is not there."""
    from engine.core import config
    from engine.jobs.keys import places

    store = config.store()
    return any(store.has(place) for place in places(request.key()))


def forget() -> None:
    """Nothing of what was read, here or in what pages make of it, is shown again unless it is still stored."""
    st.cache_resource.clear()


def tell_changes(requests: Sequence[Request]) -> None:
    """Above the offer to compute requests whose results are not there: what has changed, where a result of an earlier
    version of the experiment is stored. It is not shown, since its numbers mean something else."""
    told: dict[str, None] = {}
    for request in requests:
        for version in range(request.version - 1, 0, -1):
            sentence = request.changed_since(version)
            if sentence and find(request.former_key(version)) is not None:
                told[f"{request.experiment}: {sentence}"] = None
                break
    if told:
        lines = "  \n".join(errors.escape(sentence) for sentence in told)
        st.info(
            f"There is a result of an earlier version, which is not shown: its numbers mean something else.  \n{lines}",
            icon=":material/history:",
        )


@contextmanager
def labelled() -> Iterator[None]:
    """Around a page: where results that it shows were computed in another precision than this machine's, a line at its end
    says which those are."""
    st.session_state[_OTHERS] = {}
    st.session_state[_LOOKED] = set()
    yield
    by_sentence: dict[str, list[str]] = {}
    for subject, sentence in st.session_state.get(_OTHERS, {}).values():
        by_sentence.setdefault(sentence, []).append(subject)
    if by_sentence:
        lines = [f"{_listing(subjects)}: {sentence}" for sentence, subjects in by_sentence.items()]
        st.caption("  \n".join(lines))


def _note(result: Result) -> None:
    """Keep in mind, for the line at the page's end, that a result of another precision is shown."""
    from engine.jobs.keys import label, request_key

    st.session_state.setdefault(_LOOKED, set()).add(request_key(result.key))
    if sentence := label(result):
        of = result.request
        where = "@".join(str(of[name]) for name in ("model", "site") if of.get(name))
        # As code: what has an @ would become the link of an e-mail.
        subject = " ".join(filter(None, (errors.escape(str(of.get("experiment", ""))), where and errors.code(where))))
        st.session_state.setdefault(_OTHERS, {})[result.key] = subject, sentence


def looked_at() -> set[str]:
    """The keys of the requests whose results the open page has read."""
    return st.session_state.get(_LOOKED, set())


def _listing(subjects: Sequence[str]) -> str:
    distinct = [*dict.fromkeys(subjects)]
    further = f" and {len(distinct) - MOST_NAMED} more" if len(distinct) > MOST_NAMED else ""
    return ", ".join(distinct[:MOST_NAMED]) + further


@st.cache_resource(max_entries=64, show_spinner=False)
def _result(key: str) -> Result:
    from engine.jobs.scheduler import jobs

    result = jobs().result(key)
    if result is None:
        raise _Missing
    return result


def dataset(name: str) -> Dataset:
    """A data set as its files are now, or were two seconds ago: the same object as long as they stay the same.

    Raises BadRequest when there is none of this name.
    """
    opened = _listed(name)
    return _dataset(name, opened.fingerprint, opened)


# Requests list a folder anew each time; pages look at it dozens of times a rerun.
@st.cache_resource(max_entries=8, ttl=LISTED_SECONDS, show_spinner=False)
def _listed(name: str) -> Dataset:
    from engine.data.registry import open_dataset

    return open_dataset(name)


@st.cache_resource(max_entries=8, show_spinner=False)
def _dataset(name: str, fingerprint: str, _opened: Dataset) -> Dataset:
    return _opened


@st.cache_resource(max_entries=MOST_PICTURES, show_spinner=False)
def picture(key: str, which: str, index: int, side: int) -> bytes:
    """PNG bytes of one picture of a result, enlarged with crisp pixels. `which` is the name of its array."""
    from engine.core.images import to_png

    return to_png(overlay.enlarged(_result(key).arrays[which][index], side))


@st.cache_resource(max_entries=MOST_PICTURES, show_spinner=False)
def variant(key: str, index: int, number: int, side: int) -> bytes:
    """PNG bytes of one of the different pictures of a unit."""
    from engine.core.images import to_png

    return to_png(overlay.enlarged(_result(key).arrays["variants"][index, number], side))


@st.cache_resource(max_entries=MOST_PICTURES, show_spinner=False)
def importance(key: str, index: int, side: int) -> bytes:
    """PNG bytes of a picture with its importance map laid over it."""
    from engine.core.images import to_png

    arrays = _result(key).arrays
    picture = overlay.enlarged(arrays["images"][index], side)
    strength = arrays["importance"][index].astype(np.float32)
    # Gradients have a few sharp peaks: the scale ends where the strongest fiftieth of the pixels begins.
    low, high = np.percentile(strength, (50, 98))
    return to_png(overlay.overlay(picture, strength, float(low), float(high)))


def image(data: str, number: int, size: tuple[int, int]) -> bytes:
    """PNG bytes of one image of a data set, cut as the model sees it."""
    opened = dataset(data)
    return _image((data, opened.fingerprint), opened, number, size)


@st.cache_resource(max_entries=MOST_PICTURES, show_spinner=False)
def _image(data: tuple[str, str], _opened: Dataset, number: int, size: tuple[int, int]) -> bytes:
    from engine.core.images import to_input, to_png

    return to_png(to_input(_opened.image(number), size))


def input_size(model: str) -> tuple[int, int]:
    """Height and width of a model's input, in pixels."""
    from engine.models import catalog

    _, height, width = catalog.find(model).input_size
    return height, width
