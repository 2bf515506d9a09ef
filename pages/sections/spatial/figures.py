"""The figures of the spatial probe over the depth: curves of every block, and moved images, each with its finding."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.common import errors
from pages.common.charts import figure
from pages.common.charts.files import Source
from pages.sections.spatial import charts, findings
from pages.sections.spatial.shown import BLOCK, Shown, Tables, missing, numbers_of, one_line


def headline(shown: Shown) -> str:
    """What the page opens on: what tokens come to know of their place, block by block."""
    return errors.escape(findings.places_known(dict(shown.tables("layers", "layers").values())))


def ends(shown: Shown) -> str:
    """The numbers behind the headline."""
    tables = shown.tables("layers", "layers")
    return one_line([findings.place_known(model, table) for model, table in tables.values()])


def first(shown: Shown) -> None:
    """The chart behind the headline: blocks whose R² is below zero tell nothing of the place, nor does a mean over them."""
    from engine.spatial.layers import place_told

    tables = shown.tables("layers", "layers")
    if not tables:
        return
    there, numbers = shown.there("layers"), numbers_of(tables)
    scored = next(iter(there.values())).facts["scored"]
    told = {side: (model, place_told(table)) for side, (model, table) in tables.items()}
    whole = [side for side, (_, table) in tables.items() if not (table["position_r2"] < 0).any()]
    apart = [findings.last_block(tables[s][0], there[s].facts["last"], "position_r2", "R²") for s in whole]
    left_out = "" if len(whole) == len(tables) else " Blocks below 0, which tell nothing, are left out."
    chart = charts.curves(
        told, "position_r2", "R² of row and column", title="How well a token knows its place", span=(0.0, 1.0),
    )  # fmt: skip
    source = shown.source("layers")
    figure.draw(
        chart, numbers, Source(source.page, source.params, source.keys, f"{headline(shown)} {ends(shown)}"), key="sp-position_r2",
        note="Ridge regression from a token to its row and column, fitted on half of the images, evaluated on "
        f"{scored} others.{left_out} {one_line(apart)} Bands: 95% intervals over images.",
        opens=BLOCK, on_click=shown.clicked,
    )  # fmt: skip


def curves(shown: Shown) -> None:
    """Localisation, self-retrieval and homogeneity, both models in the same axes."""
    there = shown.there("layers")
    if not there:
        return
    tables = shown.tables("layers", "layers")
    numbers = numbers_of(tables)
    some = next(iter(there.values()))
    n = f"{some.facts['images']} images"
    with st.grid(2, min_column_width=370, gap="large"):
        _localisation(shown, tables, numbers, n)
        for name, up, what, short, note in (
            ("self_retrieval", "share of tokens", "self-retrieval", "self-retrieval",
             "Share of tokens whose nearest (cosine) input embedding is their own position's. "
             f"Chance: {some.facts['chance_self_retrieval']:.4f}. {n}."),
            ("homogeneity", "homogeneity of tokens", "homogeneity", "homogeneity",
             "1 minus the variance of the tokens around their mean, relative to their mean square: at 1, all tokens of an "
             f"image are equal. {n}."),
            ("map_uniformity", "uniformity of maps", "uniformity of the maps", "uniformity",
             f"The same for the units' maps: at 1, every map is flat. Units with a large mean make it high. {n}."),
            ("map_between", "variance between images", "share of a unit's variance between images",
             "the share of variance between images",
             f"Of a unit's variance over all positions of all images, the share that its images' means have: at 1, every "
             f"map is flat. It leaves the units' means out; median over units. {n}. "
             + one_line([findings.disagreement(m, tables[s][1], there[s].facts["last"])
                          for s, (m, _) in tables.items()])),
        ):  # fmt: skip
            if numbers[name].notna().any():
                apart = [findings.last_block(tables[s][0], there[s].facts["last"], name, short) for s in there]
                span = (0.0, 1.0) if name in ("homogeneity", "map_uniformity") else None
                chart = charts.curves(
                    tables,
                    name,
                    up,
                    title=f"{what[0].upper()}{what[1:]}",
                    span=span,
                    finding=_across(tables, name, what),
                )
                with st.container():
                    figure.draw(
                        chart, numbers, shown.source("layers"), key=f"sp-{name}",
                        note=f"{note} {one_line(apart)} Bands: 95% intervals over images.",
                        opens=BLOCK, on_click=shown.clicked,
                    )  # fmt: skip
    missing(there)


def _across(tables: Tables, name: str, what: str) -> str:
    return one_line([findings.across(model, table, name, what) for model, table in tables.values()])


def _localisation(shown: Shown, tables: Tables, numbers: pd.DataFrame, n: str) -> None:
    """On the strongest images, in which direction, and over all images."""
    for name, key, what, note in (
        ("localisation_strongest", "localisation", "localisation on the strongest images",
         "How well a unit's map separates the object from the background on its ten strongest images (of different sets): "
         "direction chosen on half of them, measured on the other half; median over units. Dotted: the same maps with "
         "other images' masks, which shows how much comes from where objects mostly are."),
        ("localisation_auroc", "localisation-all", "localisation over all images",
         "The same over all images, whether they excite the unit or not. Dotted: other images' masks."),
    ):  # fmt: skip
        if numbers[name].notna().any():
            chart = charts.localisation(
                tables, name, title=f"{what[0].upper()}{what[1:]}", finding=_across(tables, name, what)
            )
            with st.container():
                figure.draw(
                    chart, numbers, shown.source("layers"), key=f"sp-{key}",
                    note=f"{note} {n}. Bands: 95% intervals over images.", opens=BLOCK, on_click=shown.clicked,
                )  # fmt: skip
    if numbers["object_share"].notna().any():
        chart = charts.curves(
            tables, "object_share", "share of units that mark the object", title="Which side units mark",
            finding=one_line([findings.direction(model, table) for model, table in tables.values()]),
        )  # fmt: skip
        with st.container():
            figure.draw(
                chart, numbers, shown.source("layers"), key="sp-direction",
                note="Of the units that mark the same side on at least nine of their ten strongest images, those that mark the "
                "object; the others mark the background. A unit marks the object of an image where its map separates it "
                "better than the objects of three other images (the median of them), the background where worse: a unit that "
                "is only brighter in the middle, or at the border, has no side. Dotted: which side other images' masks alone "
                "would point to, because of where objects mostly are. Bands: 95% intervals over units.",
                opens=BLOCK, on_click=shown.clicked,
            )  # fmt: skip


def moves(shown: Shown) -> None:
    """How maps and means follow shifted and turned images."""
    there = shown.there("moves")
    if not there:
        return
    tables = shown.tables("moves", "moves")
    numbers, facts = numbers_of(tables), next(iter(there.values())).facts
    with st.grid(2, min_column_width=370, gap="large"):
        for name, up, what, note in (
            ("equivariance", "correlation", "equivariance of the maps", "Correlation between a unit's map on the transformed "
             "image and its transformed map; median over units."),
            ("invariance", "1 − change / variance", "invariance of the means", "1 minus the squared change of a unit's mean "
             "activation, relative to its variance over images; median over units."),
        ):  # fmt: skip
            said = [
                findings.moved(model, kind, table[table.kind == kind], name)
                for model, table in tables.values()
                for kind in ("shift", "turn")
                if (table.kind == kind).any()
            ]
            title = f"{what[0].upper()}{what[1:]}"
            chart = charts.moved(tables, name, up, title=title, finding=f"{title}: {one_line(said)}")
            with st.container():
                figure.draw(
                    chart, numbers, shown.source("moves"), key=f"sp-{name}",
                    note=f"{note} {facts['images']} images; shifted {', '.join(facts['shift'])}; rotated "
                    f"{', '.join(facts['turn'])}. Bands: 95% intervals.", opens=BLOCK, on_click=shown.clicked,
                )  # fmt: skip
