"""What is stored of people here, for how long and who sees it; and what one stored oneself, with the way to delete it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import streamlit as st

from engine.core import config
from engine.core.choices import UPLOADS
from engine.core.errors import VitrineError
from engine.core.settings.whole import Settings
from engine.jobs.journal import REMEMBERED_SECONDS
from engine.people.person import Person
from pages.common import errors, results, who, words

KINDS = {"images": "Image", "vectors": "Direction", "words": "List of words", "checkpoints": "Checkpoint"}
KEPT = {
    "collections": ("collection", "collections"),
    "items": ("item in others' collections", "items in others' collections"),
    "history": ("line of history", "lines of history"),
    "links": ("short link", "short links"),
    "tokens": ("API token", "API tokens"),
    "sweeps": ("sweep", "sweeps"),
    "jobs": ("job that runs or waits", "jobs that run or wait"),
    "interrupted": ("request that was interrupted", "requests that were interrupted"),
    "choices": ("choice that is remembered", "choices that are remembered"),
    "known": ("note of your name, address and groups", "notes of your name, address and groups"),
}


def told() -> None:
    """What is stored, a line each: what, how long, who sees it; and what is sent elsewhere."""
    chosen = config.settings()
    rows = ["| What | For how long | Who sees it |", "|:--|:--|:--|"]
    st.markdown("\n".join([*rows, *(f"| {' | '.join(line)} |" for line in [*_made(chosen), *_known(chosen)])]))
    st.caption(f"{_sent(chosen)} Photos are stored without what the camera wrote into them.")


def _made(chosen: Settings) -> Iterator[tuple[str, str, str]]:
    """What people make here."""
    signs_in, sharing = chosen.access.login != "none", chosen.sharing
    days = chosen.limits.upload_days
    group = "your groups, " if signs_in else ""
    yield "Results", "until room is needed; pinned ones longer", "whoever has the link, or asks for the same"
    yield "Uploads", f"{days} days after their last use" if days else "until you delete them", UPLOADS_SEEN
    yield "Collections", "until you delete them", "you, and those you share with"
    lasts = f"{sharing.history_days} days, or until you delete it"
    yield "History: what you asked for, when, and what came of it", lasts, f"you, {group}operators; {MAKER_SEEN}"
    lasts = "until you delete everything (not where others took the same), or there are too many"
    yield "Short links", lasts, "whoever has the link"
    lasts = f"until you take them back; they open nothing after {sharing.token_days} days at most"
    yield "API tokens, as digests", lasts, "you"
    yield "Sweeps", "until you or an operator forgets them", "you, operators"
    yield "What you asked for when the server was stopped", f"{REMEMBERED_SECONDS / 86400:.0f} days", "you"


def _known(chosen: Settings) -> Iterator[tuple[str, str, str]]:
    """What is known of people besides."""
    yield "A cookie with a random name of your browser", "a year", "this server; it keeps your jobs yours"
    if chosen.access.login == "oidc":
        yield "A cookie with what the sign-in service says of you", "30 days, or until you sign out", "this server"
    if chosen.access.login != "none":
        yield "Your name, address and groups, from signing in", "until you delete everything", NAME_SEEN
    if chosen.access.audits:
        yield (
            "What you asked for, kept, shared and read: when, what, how long",
            "until newer entries take its room",
            "operators",
        )
    yield (
        "The server's log: when which page was asked for from which network address, and what failed",
        "as long as whoever runs this server keeps it",
        "whoever runs this server",
    )


def _sent(chosen: Settings) -> str:
    """What leaves the server, in sentences."""
    from engine.models import guard

    sharing = chosen.sharing
    after = words.duration(sharing.notify_after_seconds)
    sent = []
    if sharing.webhook:
        sent.append(
            f"When a job of yours ends that took longer than {after}, its title, how it ended and your name are sent to a "
            "service that whoever runs this server has chosen."
        )
    if sharing.mail_server and sharing.mail_from:
        sent.append("Those who want it get the same by e-mail.")
    if guard.fetchers() is not None:
        sent.append("The name of a model that somebody has fetched is told to the Hugging Face hub.")
    return " ".join([*sent, f"Nothing {'else ' if sent else ''}is sent elsewhere: no statistics, no advertising."])


UPLOADS_SEEN = "you, and whoever has the link of a result that uses them"
MAKER_SEEN = "whoever has a result's link reads who made it"
NAME_SEEN = "you, operators, those you share with, and (the name) whoever has the link of what you made"


def mine() -> None:
    """One's own uploads, each with a button that deletes it, and all else with one that deletes everything."""
    from engine.data import belongings
    from engine.sharing import holding, leaving
    from engine.sweeps import state

    person = who.person()
    st.header("What you stored", anchor=False)
    uploads = belongings.stored(person)
    if uploads:
        most = config.settings().limits
        used = f"{words.size(sum(each.bytes for each in uploads))} of {words.size(most.upload_bytes_per_person)}"
        st.caption(f"{len(uploads)} of {most.uploads_per_person} files, {used}. What was made of a file goes with it.")
    for each in uploads:
        with st.container(horizontal=True, vertical_alignment="center", key=f"upload-{each.kind}-{each.digest}"):
            since = datetime.fromtimestamp(each.since, UTC).strftime("%d %B %Y")
            name = errors.escape(each.name or each.digest)
            reference = errors.code(UPLOADS[each.kind] + each.digest)
            st.caption(
                f"{KINDS[each.kind]} · {name} · {words.size(each.bytes)} · {since} · {reference}",
                width="content",
                help="Scripts and links name it by its last part.",
            )
            st.button(
                "Delete",
                key=f"delete-{each.kind}-{each.digest}",
                icon=":material/delete:",
                on_click=_delete,
                args=(each.kind, each.digest),
            )
    everything = {**leaving.counts(person), "sweeps": len(state.of(person))}
    kept = {name: count for name, count in everything.items() if count}
    if kept:
        st.caption(
            "Also yours: " + ", ".join(f"{count} {KEPT[name][count != 1]}" for name, count in kept.items()) + "."
        )
    if held := holding.held_bytes(person.id):
        most_kept = words.size(config.settings().sharing.kept_bytes)
        st.caption(
            f"Results that your collections keep: {words.size(held)} of {most_kept}. They do not count as files."
        )
    if not uploads and not kept:
        st.caption("Nothing.")
        return
    with st.popover("Delete everything", icon=":material/delete_forever:"):
        st.markdown(
            "Your uploads with what was made of them, your collections, history, short links, sweeps and API tokens. What you "
            "asked for and is not done is cancelled, unless others want it too. This cannot be undone."
        )
        st.button("Delete everything now", key="delete-everything", type="primary", on_click=_erase)


def _delete(kind: str, digest: str) -> None:
    from engine.data import belongings

    try:
        belongings.remove(who.person(), kind, digest)
        results.forget()
    except VitrineError as error:
        st.toast(errors.told(str(error)), icon=":material/error:")


def _erase() -> None:
    person = who.person()
    try:
        erase(person)
    except VitrineError as error:
        st.toast(errors.told(str(error)), icon=":material/error:")
    results.forget()


def erase(person: Person) -> None:
    """Delete all that a person stored. Raises VitrineError where something could not be deleted."""
    from engine.data import belongings
    from engine.people import audit
    from engine.sharing import leaving
    from engine.sweeps import state

    for sweep in state.of(person):
        state.forget(sweep, person)
    for each in belongings.stored(person):
        belongings.remove(person, each.kind, each.digest)
    leaving.erase(person)
    audit.note(person, "delete", "done", kind="everything")
