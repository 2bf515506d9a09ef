"""What goes into LaTeX compiles: special characters are spelt out, and a link cannot end its field."""

from __future__ import annotations

from datetime import date

from engine.figures import citation

DAY = date(2026, 11, 29)


def test_special_characters_are_spelt_out():
    assert (
        citation.in_latex("50% of a_b & c^2 {x}\n“said” 2×")
        == r"50\% of a\_b \& c\textasciicircum{}2 \{x\} ``said'' 2$\times$"
    )


def test_the_figure_is_as_wide_as_its_drawing():
    assert r"\begin{figure*}" in citation.latex("figure.png", "All.", wide=True)
    narrow = citation.latex("figure.png", "All.", wide=False)
    assert r"\columnwidth" in narrow and r"\caption{All. Made with Vitrine" in narrow
    assert narrow.count("{") == narrow.count("}")


def test_the_entries_name_paper_version_link_and_day():
    entries = citation.bibtex("https://host/feature_visualization?a=x%40y", DAY)
    assert "arXiv:2212.06727" in entries and "url     = {https://host/feature_visualization?a=x%40y}" in entries
    assert "2026-11-29" in entries and entries.count("{") == entries.count("}")


def test_a_link_cannot_end_its_field():
    entries = citation.bibtex("https://host/?a=}, note={x\\y z}", DAY)
    assert entries.count("{") == entries.count("}") and "note={" not in entries
    assert "url" not in citation.bibtex("", DAY)
