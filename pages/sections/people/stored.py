"""What is stored of people here, for how long and who sees it; and what one stored oneself, with the way to delete it."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from engine.core import config
from engine.core.errors import VitrineError
from engine.people.person import Person
from pages.common import errors, results, who, words

KINDS = {"images": "Image", "vectors": "Direction", "words": "List of words", "checkpoints": "Checkpoint"}
KEPT = {
    "collections": ("collection", "collections"),
    "items": ("item in others' collections", "items in others' collections"),
    "history": ("line of history", "lines of history"),
    "links": ("short link", "short links"),
    "tokens": ("API token", "API tokens"),
}


def told() -> None:
    """What is stored, a line each: what, how long, who sees it."""
    chosen = config.settings()
    days = chosen.limits.upload_days
    lines = [
        ("Results", "until room is needed; pinned ones longer", "whoever has the link, or asks for the same"),
        ("Uploads", f"{days} days after their last use" if days else "until you delete them", UPLOADS_SEEN),
        ("Collections, history, short links, API tokens", "until you delete them", "you, and those you share with"),
        ("A cookie with a random name of your browser", "a year", "this server; it keeps your jobs yours"),
    ]
    if chosen.access.login != "none":
        lines.append(("Your name, address and groups, from signing in", "until you delete them", NAME_SEEN))
    if chosen.access.audits:
        lines.append(("What you asked for: when, what, how long", "until newer entries take its room", "operators"))
    rows = ["| What | For how long | Who sees it |", "|:--|:--|:--|", *(f"| {' | '.join(line)} |" for line in lines)]
    st.markdown("\n".join(rows))
    st.caption(
        "Nothing is sent elsewhere: no statistics, no advertising. Photos are stored without what the camera wrote into them."
    )


UPLOADS_SEEN = "you, and whoever has the link of a result that uses them"
NAME_SEEN = "you, operators, and those you share with"


def mine() -> None:
    """One's own uploads, each with a button that deletes it, and all else with one that deletes everything."""
    from engine.data import belongings
    from engine.sharing import holding, leaving

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
            st.caption(f"{KINDS[each.kind]} · {name} · {words.size(each.bytes)} · {since}", width="content")
            st.button(
                "Delete",
                key=f"delete-{each.kind}-{each.digest}",
                icon=":material/delete:",
                on_click=_delete,
                args=(each.kind, each.digest),
            )
    kept = {name: count for name, count in leaving.counts(person).items() if count}
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
            "Your uploads with what was made of them, your collections, history and API tokens. This cannot be undone."
        )
        st.button("Delete everything now", key="delete-everything", type="primary", on_click=_erase)


def _delete(kind: str, digest: str) -> None:
    from engine.data import belongings

    try:
        belongings.remove(who.person(), kind, digest)
    except VitrineError as error:
        st.toast(errors.escape(str(error)), icon=":material/error:")
    results.forget()


def _erase() -> None:
    person = who.person()
    try:
        erase(person)
    except VitrineError as error:
        st.toast(errors.escape(str(error)), icon=":material/error:")
    results.forget()


def erase(person: Person) -> None:
    """Delete all that a person stored. Raises VitrineError where something could not be deleted."""
    from engine.data import belongings
    from engine.people import audit
    from engine.sharing import leaving

    for each in belongings.stored(person):
        belongings.remove(person, each.kind, each.digest)
    leaving.erase(person)
    audit.note(person, "delete", "done", kind="everything")
