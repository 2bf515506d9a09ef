"""What somebody may ask for here, as the settings limit it: told before it is reached."""

from __future__ import annotations

from collections.abc import Iterator

import streamlit as st

from engine.core import config
from engine.core.settings.whole import Settings
from engine.people.person import WHO, Person
from pages.common import errors, who, words


def told() -> None:
    """A short list; nothing where one person has a machine to themselves."""
    person, chosen = who.person(), config.settings()
    if chosen.access.login == "none" and not chosen.demo and person.is_at_least("operator"):
        return
    st.header("What you may ask for here", anchor=False)
    st.markdown("\n".join(f"- {line}" for line in lines(person, chosen)))


def lines(person: Person, chosen: Settings) -> Iterator[str]:
    """A sentence for each limit that holds for this person."""
    if not person.is_at_least("member"):
        yield "You may open what is computed. Computing and uploading are for members."
        return
    yield from _jobs(chosen)
    limits = chosen.limits
    if limits.models != ("*",):
        yield f"**Models:** {', '.join(map(errors.code, limits.models)) or 'none'}; in these names \\* is anything."
    yield f"**Models from the hub:** {_downloads(person, chosen)}"
    files = f"{limits.uploads_per_person} files, {words.size(limits.upload_bytes_per_person)} together"
    yield f"**Uploads:** at most {files}{'' if limits.checkpoints else '; no weights of models'}."
    if not chosen.demo:
        yield f"**Results in your collections:** at most {words.size(chosen.sharing.kept_bytes)}."


def _jobs(chosen: Settings) -> Iterator[str]:
    """How much one may ask for at once, and of what size."""
    limits = chosen.limits
    yield (
        f"**Jobs that wait or run:** at most {limits.jobs_per_person}, of {limits.parts_per_person} parts together; "
        f"{limits.jobs_waiting} of all people may wait."
    )
    yield f"**Units of a request:** at most {chosen.units_limit}."
    if limits.seconds_per_job:
        yield f"**Time of a job:** at most {words.duration(limits.seconds_per_job)}; what is finished by then is kept."
    if limits.pixels_per_picture:
        yield f"**Size of a picture:** at most {limits.pixels_per_picture:,} pixels of a model's input."
    yield f"**Steps times copies of a recipe of your own:** at most {limits.passes_per_picture:,}."


def _downloads(person: Person, chosen: Settings) -> str:
    """Who may have which fetched."""
    from engine.models import guard

    role = guard.fetchers()
    if role is None:
        return "none are fetched."
    if not guard.may_fetch(person):
        return f"for {WHO[role]}."
    return f"at most {words.size(chosen.limits.download_bytes)} each."
