"""Feature visualization: what a unit looks for, in one or two models, at one layer or through the whole depth."""

from __future__ import annotations

import streamlit as st

from pages.common import errors, serve
from pages.sections.visualize import page, setup, wall
from pages.sections.visualize.view import rows as shown_rows

st.title("Feature visualization", anchor=False)
serve.ready()

problems = page.follow_link()
page.settle()
view = page.view()
if problems:
    st.warning(
        "  \n".join(map(errors.escape, problems)),
        title="Parts of this link could not be used",
        icon=":material/link_off:",
    )
if view is None:
    st.caption(
        "What a unit responds to: a picture optimized from noise to activate the unit as strongly as possible, beside the "
        "scenes that activate it most and where in them it is active."
    )

st.session_state.setdefault(page.SETUP, view is None)
choosing = st.expander("Settings", icon=":material/tune:", key=page.SETUP, on_change="rerun")
if choosing.open:
    with choosing:
        setup.draw()

if view is None:
    errors.hint(
        "Pick a layer in the diagram of a model, choose some units and press **Run**. Eight units of a starter model take "
        "about a minute on two cores. Results are cached."
    )
else:
    with errors.shown():
        rows = shown_rows(view)
        batch = page.batch(rows)
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.caption(errors.escape(setup.summary(view)), width="content")
            with st.container(horizontal=True, width="content", vertical_alignment="center"):
                if not (view.depth or view.compare):
                    wall.maps_toggle()
                wall.bar(view, rows)
        on_their_way = page.coming(batch)
        absent = [row for row in wall.missing(rows) if row.key not in on_their_way]
        if absent:
            errors.hint(wall.offer(rows, absent), "hourglass_empty")
            if st.button("Compute", type="primary", icon=":material/play_arrow:", key="fv_compute"):
                page.show(view, compute=True)
        wall.draw(view, rows, batch)
