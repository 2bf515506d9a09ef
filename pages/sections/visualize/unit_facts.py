"""What is known of a unit beyond its images: the words that name it, the tag that it follows, and the units most like it.

What nobody has asked for yet is made for the whole layer: by itself where it takes a second or two, else one click away.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from engine.core.address import Address
from engine.core.choices import DEFAULT_MODELS
from engine.core.errors import VitrineError
from engine.core.request import build
from pages.common import errors, job_panel, query, results, who, widgets, words
from pages.common.batch import Batch
from pages.common.experiment_page import coming
from pages.common.experiments.places import SCRIPTS
from pages.common.style import CARD, WRAPS
from pages.common.units import images
from pages.common.units.quick import is_quick
from pages.common.units.rows import index_request, request
from pages.sections.visualize.unit_card import Shown

if TYPE_CHECKING:
    from engine.core.request import Request, Result

ALIKE = 4
"""Images of a unit that stand for it."""
TILE = 96
"""The least width of a unit's images, in pixels."""
BATCHES = "fv_facts"


def draw(shown: Shown, unit: int) -> None:
    """Names and tags on the left, the nearest units on the right."""
    from engine.evaluation.counterparts import too_few

    left, right = st.columns([1, 1.6], gap="large")
    with left, errors.shown():
        st.header("Words for it", anchor=False)
        _names(shown, unit)
        _tag(shown, unit)
    with right, errors.shown():
        st.header("Units that respond alike", anchor=False)
        if why := too_few(shown.data):
            st.caption(errors.escape(why))
        else:
            _nearest(shown, unit, other_of(shown.address.model))
            _nearest(shown, unit, shown.address.model)


def other_of(model: str) -> str:
    """The model whose units a unit is compared with first: the page's model B where that is another, else a starter network."""
    chosen = st.session_state.get("fv_b_model")
    known = [chosen if chosen != widgets.NONE else None, *reversed(DEFAULT_MODELS)]
    return next(name for name in known if name and name != model)


def _names(shown: Shown, unit: int) -> None:
    """The words that fit the unit's strongest images best, and whether the first is a name."""
    from engine.concepts.naming import NameUnitsRequest

    asked = None
    with suppress(VitrineError):  # where there is no reader there are no names
        asked = build(NameUnitsRequest, model=shown.address.model, site=shown.address.site, data=shown.data)
        naming = _there(asked, "name the units of this layer", "words", "A CLIP says which words fit the images")
        if naming is not None:
            _votes(naming, unit)
    if asked is None:
        st.caption("There is no CLIP on this machine that could read words.")


def _votes(naming: Result, unit: int) -> None:
    """The first words with their scores, and what the first is worth on images that it was not chosen on."""
    from engine.concepts.telling import of_unit

    listed = [naming.facts["words"][word] for word in naming.arrays["words"][unit]]
    scores = [float(score) for score in naming.arrays["scores"][unit]]
    first = errors.escape(listed[0])
    if bool(naming.arrays["abstained"][unit]):
        st.markdown(f"**No name.** “{first}” comes nearest. {errors.escape(of_unit(naming, unit))}")
    else:
        st.markdown(f"**“{first}”**. {errors.escape(of_unit(naming, unit))}")
    st.dataframe(
        {"word": listed, "score": scores},
        hide_index=True,
        column_config={
            "word": "Word",
            "score": st.column_config.ProgressColumn(
                "Score", help="CLIP-Dissect's soft WPMI, on the half of the images that words are chosen on.",
                format="%.2f", min_value=0.0, max_value=max([*scores, 0.01]),
            ),
        },
        alt=f"The words that fit the images that excite unit {unit} best, with their scores",
    )  # fmt: skip


def _tag(shown: Shown, unit: int) -> None:
    """The tag of the data set that the unit follows most purely, where that was measured."""
    from engine.concepts.purity.request import PurityRequest
    from engine.models.catalog import sites_of

    site = sites_of(shown.address.model)[shown.address.site]
    with suppress(VitrineError):  # a data set without tags
        if "tags" not in results.dataset(shown.data).gives():
            return
        asked = build(PurityRequest, model=shown.address.model, role=site.role, data=shown.data)
        purity = results.find(asked.key())
        if purity is None:
            st.page_link(
                SCRIPTS["concepts"], label="Which tags do the units of this model follow?", icon=":material/arrow_forward:",
                query_params={"a": shown.address.model, "data": shown.data, "role": site.role, "show": "purity"},
            )  # fmt: skip
            return
        table = purity.tables["units"]
        rows = table[(table["site"] == site.name) & (table["unit"] == unit)].to_dict("records")
        if rows:
            st.markdown(tag_of(rows[0]))


def tag_of(row: Any) -> str:
    """A row of a result of purity, in a sentence."""
    told = f"“{errors.escape(str(row['tag']))}” (AUROC {float(row['auroc']):.2f})"
    if bool(row["concept"]):
        return f"Follows the tag {told}, which kinds of different groups share."
    if bool(row["beyond_likeness"]):  # a single test at 5%, of which a layer makes hundreds
        return f"May follow the tag {told}; among so many units that is not certain."
    return f"Was not seen to follow a tag; {told} comes nearest."


def _nearest(shown: Shown, unit: int, other: str) -> None:
    """The units of a model that do most nearly the same on the images, each with what excites it."""
    from engine.evaluation.counterparts import CounterpartsRequest

    same = other == shown.address.model
    st.markdown(f"**In {'the same model' if same else errors.escape(other)}**")
    given = {"model": shown.address.model, "site": shown.address.site, "other": other, "data": shown.data}
    asked = build(CounterpartsRequest, **given)
    found = _there(
        asked,
        f"find them in {'this model' if same else other}",
        f"alike-{other}",
        "Compares what all units do on the images",
    )
    if found is None:
        return
    if np.isnan(found.arrays["r"][unit]).all():
        st.caption("This unit is the same on all images that units are chosen by, so none responds like it.")
        return
    places = range(found.arrays["unit"].shape[1])
    with st.grid(len(places), min_column_width=TILE, gap="small"):
        for place in places:
            r, low, high = (float(found.arrays[name][unit, place]) for name in ("r", "low", "high"))
            site = found.facts["sites"][int(found.arrays["layer"][unit, place])]
            _tile(
                shown,
                Address(other, site, (int(found.arrays["unit"][unit, place]),)),
                f"r {r:.2f} ({low:.2f} to {high:.2f})",
            )
    st.caption(
        f"Of {int(found.facts['searched']):,} units those that correlate most with this one on half of the images; "
        f"*r*: on the other half, with its 95% interval ({int(found.facts['independent']):,} independent images)."
    )


def _tile(shown: Shown, address: Address, told: str) -> None:
    """Another unit: its picture where it is made, else its strongest images, and the way to it."""
    assert shown.view is not None, "a unit's page is of a view"
    view, unit = shown.view.but(a=address, b=None, view="layer"), address.units[0]
    size = results.input_size(address.model)
    with st.container(gap="xxsmall", key=f"{CARD}-alike-{address.model}-{address.site}-{unit}".replace("/", "_")):
        index = results.find(index_request(address, shown.data).key())
        key = request(view, address).key()
        alt = f"Unit {unit} of {address.model}, {address.site}"
        if results.find(key) is not None:
            data = results.picture(key, "images", 0, 2 * TILE)
            st.image(data, width="stretch", output_format="PNG", alt=f"Picture of {alt}")
        elif index is not None:
            seen = images.distinct(index.arrays["top_mean"][unit], shown.data, ALIKE)
            told_of = images.told(shown.data, seen)
            data = images.block(shown.data, seen, size, 2)
            st.image(data, width="stretch", output_format="PNG", alt=f"Strongest images of {alt}: {told_of}")
        label = f"**Unit {unit}** :small[{errors.escape(words.depth(address.site))}]  \n:small[{told}]"
        with st.container(key=f"{WRAPS}-alike-{address.model}-{address.site}-{unit}".replace("/", "_")):
            st.page_link(SCRIPTS["visualize"], label=label, query_params=query.write(view))


def _there(asked: Request, label: str, name: str, what: str) -> Result | None:
    """A result; where it is not there a button that asks for it, and how far it is."""
    key = asked.key()
    if (found := results.find(key)) is not None:
        return found
    batches = st.session_state.setdefault(BATCHES, {})
    if key not in batches and who.person().is_at_least("member") and is_quick(asked):
        batches[key] = Batch.of([asked], who.person())  # once: what was cancelled, or failed, is offered
    if (batch := batches.get(key)) is not None:
        job_panel.draw(batch, {key: label}, f"facts-{name}")
    if key not in coming(batch):
        about = f"{what}. For all units of the layer at once."
        if st.button(f"Run: {label}", icon=":material/play_arrow:", key=f"fv-facts-{name}", help=about):
            batches[key] = Batch.of([asked], who.person())
            st.rerun()
    return None
