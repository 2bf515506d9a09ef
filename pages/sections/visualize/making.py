"""The line under Run: what is still to be made and how long it takes, how far it is, or what came out.

Invariant: it is there in every state and as high in each, so that nothing below it moves when a state changes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from engine.core.shares import times
from pages.common import errors, job_panel, results, who, words
from pages.common.batch import Batch
from pages.common.experiment_page import VIEWING, ExperimentPage, coming
from pages.common.fragments import fragment
from pages.common.units.growing import Growing
from pages.common.units.pace import A_PASS, A_SCORE
from pages.common.units.rows import Row, index_request
from pages.common.units.view import View

if TYPE_CHECKING:
    from engine.core.request import Result
    from engine.jobs.progress import Snapshot

LOOKED_SECONDS = 5
WATCHED: dict[str, tuple[str, float]] = {
    "often": ("Every second", job_panel.POLL_SECONDS),
    "seldom": ("Every ten seconds", 10.0),
    "off": ("Not before they are made", 10.0),
}
"""How often a picture that grows is shown anew: in words, and in seconds."""
LONGEST = 40
"""Letters of units that are named; more of them are counted."""
ABOVE_ONE = "excites its unit more than noise, blanks and nearly all images do"
_PACES: dict[str, tuple[float, float]] = {}


def line(
    page: ExperimentPage[View], view: View, rows: Sequence[Row], batch: Batch | None, place: int | None = None
) -> None:
    """Draw it (of the picture at this `place` alone, where it is shown alone), with Cancel where there is something to stop."""
    absent = [row for row in rows if results.find(row.key) is None]
    on_their_way = coming(batch)
    with st.container(key=page.key("status"), gap="xsmall"):
        if any(row.key in on_their_way for row in absent):
            assert batch is not None, "what is on its way is some batch's"
            _running(page, rows, batch)
        elif absent:
            _told(absent, batch)
            _offer(page, view, absent, batch)
        else:
            st.markdown(finding(rows, place))


def _running(page: ExperimentPage[View], rows: Sequence[Row], batch: Batch) -> None:
    from engine.jobs.scheduler import jobs

    with errors.shown():
        batch.advance(jobs())
    before, keys = batch.coming(jobs()), [row.key for row in rows]
    _kept.clear()  # more is kept from now on

    @fragment(job_panel.POLL_SECONDS)
    def live() -> None:
        with errors.shown():
            batch.advance(jobs())
        now = batch.snapshots(jobs())
        if batch.coming(jobs(), now) != before:
            st.rerun()
        done, text = progress(now, dict(zip(keys, rows, strict=True)))
        with st.container(horizontal=True, vertical_alignment="center"):
            with st.container(gap=None):
                st.progress(done, text=text)
                if not batch.stopped and (said := job_panel.before_cancelling([*now.values()])):
                    st.caption(said)
            if batch.stopped:
                st.caption(job_panel.GOES_ON if batch.shared else "Cancelling", width="content")
            elif st.button("Cancel", icon=":material/stop_circle:", key=page.key("cancel")):
                batch.cancel(jobs())
                st.rerun()
            job_panel.log(now.values(), page.key("log"))

    live()


def progress(snapshots: Mapping[str, Snapshot], rows: Mapping[str, Row]) -> tuple[float, str]:
    """How much of all rows, by their keys, is done, 0 to 1, and the row that is on in words."""
    shares = [_share(key, snapshots.get(key)) for key in rows]
    on = next((key for key in rows if key in snapshots and snapshots[key].status == "running"), None)
    if on is None:
        waiting = next((each for each in snapshots.values() if each.status == "queued"), None)
        return sum(shares) / len(shares), job_panel.waiting_text(waiting)
    several = f"{sum(share == 1 for share in shares)} of {len(rows)} rows done · " if len(rows) > 2 else ""
    of = f"{errors.escape(rows[on].address.model)} {errors.code(rows[on].name)}"
    return sum(shares) / len(shares), f"{several}{of} · {job_panel.running_text(snapshots[on])}"


def _share(key: str, snapshot: Snapshot | None) -> float:
    if snapshot is not None and snapshot.active:
        return snapshot.fraction
    return float(results.find(key) is not None)


def watched() -> str:
    """How often this person wants to see pictures grow."""
    return str(st.session_state.get("fv_watched", "often"))


def growing(row: Row, snapshot: Snapshot | None) -> dict[int, Growing]:
    """Each picture of a row that is being made, by its place: how far it is, and what it looks like."""
    from engine.visualization.tuning import recipe_of

    if snapshot is None or snapshot.status != "running":
        return dict.fromkeys(range(len(row.address.names)), Growing("Waits for its turn"))
    steps = recipe_of(row.request.recipe).steps
    out = {}
    for place, name in enumerate(row.address.names):
        made = snapshot.made.get(str(name))
        if made is None:
            out[place] = Growing("Waits for its turn" if snapshot.made else "Reads the images")
        elif made.activation is None:
            out[place] = Growing(
                f"Making {words.share(snapshot.step % steps / steps)}", None if watched() == "off" else made
            )
        else:
            out[place] = Growing(f"Made: activation **{words.number(made.activation)}**  \nIs being scored", made)
    return out


@st.cache_resource(ttl=LOOKED_SECONDS, max_entries=256, show_spinner=False)
def _kept(key: str, _row: Row) -> dict[int, Growing]:
    return kept(_row)


def kept_lately(row: Row) -> dict[int, Growing]:
    """The same, as it was some seconds ago: each picture is asked for in the store, and a page asks for all of them twice."""
    return _kept(row.key, row)


def kept(row: Row) -> dict[int, Growing]:
    """The pictures of a row that are stored, each by its place, though the row is not: of a job that was stopped, or that
    was asked for others too."""
    from engine.core.request import Made, build
    from engine.visualization.single import PictureRequest

    asked, out = row.request, {}
    given = {"model": asked.model, "site": asked.site, "recipe": asked.recipe, "seed": asked.seed, "start": asked.start}
    for place, name in enumerate(row.address.names):
        data = "" if isinstance(name, int) and not asked.start else asked.data
        found = results.find(build(PictureRequest, **given, wanted=str(name), data=data).key())
        if found is not None:
            made = Made(found.arrays["image"], float(found.arrays["curve"][-1]), True)
            out[place] = Growing("Kept, not scored yet", made)
    return out


def _told(absent: Sequence[Row], batch: Batch | None) -> None:
    """Why what was asked for is not there: it failed."""
    from engine.jobs.scheduler import jobs

    for key, snapshot in (batch.snapshots(jobs()) if batch else {}).items():
        row = next((row for row in absent if row.key == key), None)
        if row is not None and snapshot.status == "failed":
            told = errors.told(snapshot.error or "It failed.")
            st.error(f"{errors.code(row.name)}: {told}", icon=":material/error:")


def _offer(page: ExperimentPage[View], view: View, absent: Sequence[Row], batch: Batch | None) -> None:
    """What is not there, and the button that makes it, with how long that takes. Run, which stands above the pictures, makes what
    the controls say, which may be something else by now."""
    from engine.jobs.scheduler import jobs

    results.tell_changes([row.request for row in absent])
    to_make = sum(len(row.address.names) - len(kept_lately(row)) for row in absent)
    told = f"{'Not made yet' if to_make else 'Made, but not scored yet'}: {what(view, absent)}."
    if batch is not None and batch.stopped:
        kept = sum(each.kept for each in batch.snapshots(jobs()).values())
        told = job_panel.cancelled_text(kept, goes_on="")  # the button beside it says so
    if not who.person().is_at_least("member"):
        st.markdown(VIEWING)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(_to_do(absent, to_make), type="primary", icon=":material/play_arrow:", key=page.key("compute")):
            with errors.shown():
                page.show(view, compute=True)
        st.markdown(told, width="content")


def _to_do(absent: Sequence[Row], to_make: int) -> str:
    """What a click does about what is not there, of which so many are `to_make`, and how long it takes."""
    count = to_make or sum(len(row.address.names) for row in absent)
    pictures = "its picture" if single(absent) else job_panel.pictures(count)
    return f"{'Make' if to_make else 'Score'} {pictures} ({how_long(absent)})"


def single(absent: Sequence[Row]) -> bool:
    """Whether one picture is all that is not there."""
    return sum(len(row.address.names) for row in absent) == 1


def what(view: View, absent: Sequence[Row]) -> str:
    """What of a view is not there, in words."""
    count = sum(len(row.address.names) for row in absent)
    if single(absent):
        return "its picture"
    selections = dict.fromkeys(row.address.written for row in absent)
    models = list(dict.fromkeys(row.address.model for row in absent))
    if view.view == "layer" and len(selections) > 1 and sum(map(len, selections)) < LONGEST:
        return " and ".join(f"{_units(row.address.written)} of {errors.escape(row.address.model)}" for row in absent)
    units = _units(next(iter(selections))) if len(selections) == 1 else f"{count} pictures"
    of = " of both models" if len(models) == 2 else f" of {errors.escape(models[0])}"
    where = f" in {len(absent)} rows" if view.view != "layer" else ""
    return f"{units}{of}{where}"


def _units(selection: str) -> str:
    """0-7 as units 0 to 7."""
    first, _, last = selection.partition("-")
    run = f"{first} to {last}" if first.isdigit() and last.isdigit() else errors.escape(selection.replace(",", ", "))
    return f"unit {run}" if selection.isdigit() else f"units {run}"


def how_long(absent: Sequence[Row]) -> str:
    """About how long these rows take, in words."""
    return f"about {words.duration(sum(map(seconds, absent)))}"


def seconds(row: Row) -> float:
    """How long a row may take: its passes, and the pass through all images where its layer is not indexed."""
    from engine.visualization.tuning import recipe_of

    request, (height, width) = row.request, results.input_size(row.address.model)
    a_pass, a_score = _PACES.get(row.address.model, (A_PASS * height * width, A_SCORE * height * width))
    each = (1 + request.opposite) * request.several + request.seeds - 1
    names = len(row.address.names)
    to_make = each * names - (len(kept_lately(row)) if each == 1 else 0)
    made = to_make * recipe_of(request.recipe).passes * a_pass + names * a_score
    if results.find(index_request(row.address, request.data).key()) is None:
        made += len(results.dataset(request.data)) * a_pass / 3
    return made


def note(result: Result) -> None:
    """Keep in mind how long this model's pictures took here."""
    table, recipe = result.tables["units"], result.facts.get("recipe", {})
    passes = recipe.get("steps", 0) * recipe.get("copies", 0)
    if passes and {"seconds", "scoring_seconds"} <= set(table):
        each = 2 if "opposite_images" in result.arrays else 1
        pace = float(table["seconds"].mean()) / (each * passes), float(table["scoring_seconds"].mean())
        _PACES[str(result.request["model"])] = pace


def finding(rows: Sequence[Row], place: int | None = None) -> str:
    """What the pictures (or the one at this place of each row) come to: how many are above their controls, and which
    reaches furthest."""
    from engine.figures.cards import only

    found = [(row, result) for row in rows if (result := results.find(row.key)) is not None]
    found = found if place is None else [(row, only(result, place)) for row, result in found]
    tables = [(row, result.tables["units"]) for row, result in found]
    count = sum(len(table) for _, table in tables)
    failed = sum(int(table["failed"].sum()) for _, table in tables)
    if count == 1:
        below = (
            "excites its unit no more than noise, a blank or many images do: no evidence of what the unit responds to"
        )
        return f"**The picture {below if failed else ABOVE_ONE}.**"
    above = f"{count - failed} of {count}" if failed else f"All {count}"
    first = f"**{above} pictures excite their units more than noise, blanks and nearly all images do.**"
    best = [
        (float(row["ratio_to_best_scene"]), str(row["unit"]), each.address.model)
        for each, table in tables
        for row in table.to_dict("records")
        if times(row["ratio_to_best_scene"], row.get("ratio_low", math.nan)) and not row["failed"]
    ]
    if len(best) < 2:
        return first
    ratio, unit, model = max(best)
    strongest = f"{words.number(ratio)}× what its strongest image gives"
    return f"{first} The most is {strongest}: unit {errors.escape(unit)} of {errors.escape(model)}."
