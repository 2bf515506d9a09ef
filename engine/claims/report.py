"""All claims about two models as one HTML file that stands alone: verdicts, figures as vector drawings, numbers, citation.

Invariant: the file asks for nothing outside itself, and runs no script.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from html import escape

from engine import COMMAND, __version__
from engine.claims.claim import WORDS, Claim, Verdict
from engine.claims.figure import Strip, numbers
from engine.claims.subject import Subject
from engine.core.export import to_csv
from engine.core.images import inline, to_png
from engine.figures.chart import Chart
from engine.figures.charts import chart
from engine.figures.citation import bibtex
from engine.figures.svg import to_svg

MARKS = dict(zip(WORDS, ("✓", "◐", "✗", "?"), strict=True))
"""What tells verdicts apart where colours do not."""
CLASSES = dict(zip(WORDS, ("holds", "partly", "fails", "untold"), strict=True))
STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 24px 18px 60px; max-width: 980px; color: #1b1d22; background: #fff;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; overflow-wrap: anywhere; }
h1, h2 { font-family: Georgia, "Times New Roman", serif; line-height: 1.25; font-weight: 600; }
h1 { font-size: 1.9rem; margin: 0 0 4px; } h2 { font-size: 1.25rem; margin: 0; }
.about { color: #555b66; margin: 0 0 20px; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th, td { text-align: left; vertical-align: top; padding: 7px 10px 7px 0; border-bottom: 1px solid #e4e4e0; }
th { font-weight: 600; color: #555b66; }
td.here { overflow-wrap: normal; }
td.number { white-space: nowrap; font-variant-numeric: tabular-nums; }
section { border: 1px solid #dcdcd6; border-radius: 8px; padding: 18px; margin: 22px 0; break-inside: avoid; }
header { display: flex; gap: 12px; justify-content: space-between; align-items: flex-start; flex-wrap: wrap; }
.two { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1.05fr); gap: 26px; margin-top: 10px; }
.one { margin-top: 10px; }
p { margin: 0 0 10px; } .how { color: #555b66; font-size: .88rem; }
figure { margin: 0; } figure svg { width: 100%; height: auto; max-width: 480px; overflow: visible; }
figcaption { color: #555b66; font-size: .85rem; margin: 2px 0 8px; }
.strips { display: grid; grid-template-columns: repeat(auto-fill, minmax(200px, 1fr)); gap: 14px; margin-top: 14px; }
.strips img { width: 100%; image-rendering: auto; }
.verdict { display: inline-block; border: 1px solid; border-radius: 99px; padding: 1px 11px; font-size: .9rem;
  white-space: nowrap; }
.holds { color: #14602f; background: #e9f6ed; } .partly { color: #6b5200; background: #fbf4d9; }
.fails { color: #97231b; background: #fdecea; } .untold { color: #454b55; background: #f1f2f3; }
pre { white-space: pre-wrap; background: #f6f6f3; padding: 12px; border-radius: 6px; font-size: .82rem; }
summary { cursor: pointer; color: #2a5fbd; } a { color: #2a5fbd; }
@media (min-width: 701px) { td.here { white-space: nowrap; } }
@media (max-width: 700px) { .two { grid-template-columns: 1fr; } td.paper, th.paper { display: none; } }
@media print { body { max-width: none; padding: 0; font-size: 11pt; } section { margin: 12px 0; } details { display: none; } }
"""


@dataclass(frozen=True)
class Told:
    """A claim with what comes of it and its figure."""

    claim: Claim
    verdict: Verdict
    figure: Chart | None
    strips: tuple[Strip, ...] = ()


def to_html(subject: Subject, told: Sequence[Told], requests: Sequence[dict], on: date) -> str:
    """The whole file. `requests`: the canonical facts of what was computed for it."""
    models = " and ".join(filter(None, (subject.a, subject.b)))
    clip = f", with the CLIP {subject.clip}" if subject.clip else ""
    about = f"{models}{clip}, on the images of “{subject.data}”. Made on {on.isoformat()} with Vitrine {__version__}."
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>The paper, claim by claim: {_text(models)}</title><style>{STYLE}</style></head><body>",
        f"<h1>The paper, claim by claim</h1><p class=about>{_text(about)}</p>",
        "<p>What “What do Vision Transformers Learn? A Visual Exploration” (Ghiasi, Kazemi et al., 2022) found, and "
        "whether it holds of these models. Verdicts are computed from the numbers below them; intervals hold 95%.</p>",
        _overview(told),
        *(_section(number, each) for number, each in enumerate(told, 1)),
        _again(subject, requests),
        f"<h2>To cite</h2><pre>{_text(bibtex('', on))}</pre>",
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _overview(told: Sequence[Told]) -> str:
    rows = [
        f'<tr><td>{number}. <a href="#{each.claim.name}">{_text(each.claim.title)}</a></td>'
        f'<td class="paper">{_text(each.claim.paper)}</td><td class="here">{_text(each.verdict.shown or "–")}</td>'
        f"<td>{_badge(each.verdict)}</td></tr>"
        for number, each in enumerate(told, 1)
    ]
    head = '<tr><th>Claim</th><th class="paper">In the paper</th><th>Here</th><th>Verdict</th></tr>'
    return f"<table>{head}{''.join(rows)}</table>"


def _section(number: int, each: Told) -> str:
    claim, verdict = each.claim, each.verdict
    here = f"<p><b>Here:</b> {_text(verdict.shown)} {_text(verdict.unit)}.</p>" if verdict.shown else ""
    words = (
        f"<div><p>{_text(claim.says)}</p><p><b>In the paper</b> ({_text(claim.where)}): {_text(claim.paper)}.</p>{here}"
        f"<p>{_text(verdict.sentence)}</p><p class=how>How: {_text(claim.measured)}</p></div>"
    )
    drawn, shape = _figure(each), "two" if each.figure else "one"
    return (
        f'<section id="{claim.name}"><header><h2>{number}. {_text(claim.title)}</h2>{_badge(verdict)}</header>'
        f'<div class="{shape}">{words}{drawn}</div>{_strips(each)}</section>'
    )


def _figure(each: Told) -> str:
    """The drawing, its numbers as a table, and the same as a file to save."""
    if each.figure is None:
        return ""
    table = numbers(each.figure)
    data = base64.b64encode(to_csv(table).encode()).decode()
    rows = "".join(
        f"<tr><td>{_text(row['series'])}</td><td>{_place(row['at'])}</td><td class=number>{row['value']:.4g}</td>"
        f"<td class=number>{row['low']:.4g} to {row['high']:.4g}</td></tr>"
        for row in table.to_dict("records")
    )
    head = "<tr><th>Of</th><th>At</th><th>Value</th><th>95% interval</th></tr>"
    return (
        f"<figure>{to_svg(chart(replace(each.figure, caption='')))}<figcaption>{_text(each.figure.caption)}</figcaption>"
        f"<details><summary>Numbers</summary><table>{head}{rows}</table>"
        f'<p><a download="claim-{each.claim.name}.csv" href="data:text/csv;base64,{data}">Save as CSV</a></p></details></figure>'
    )


def _strips(each: Told) -> str:
    cells = [
        f'<figure><img alt="{_text(one.says)}" src="{inline(to_png(one.pictures))}">'
        f"<figcaption><b>{_text(one.label)}</b><br>{_text(one.says)}</figcaption></figure>"
        for one in each.strips
    ]
    return f'<div class="strips">{"".join(cells)}</div>' if cells else ""


def _again(subject: Subject, requests: Sequence[dict]) -> str:
    """The command that makes it again, and every request behind it."""
    command = [
        COMMAND,
        "report",
        "--models",
        *subject.sides.values(),
        *(["--clip", subject.clip] if subject.clip else []),
    ]
    lines = "\n".join(json.dumps(each, sort_keys=True, ensure_ascii=False) for each in requests)
    return (
        f"<h2>To make it again</h2><pre>{_text(' '.join([*command, '--data', subject.data, '--out', 'report.html']))}</pre>"
        f"<details><summary>The requests behind it ({len(requests)})</summary><pre>{_text(lines)}</pre></details>"
    )


def _badge(verdict: Verdict) -> str:
    word = verdict.word
    return f'<span class="verdict {CLASSES[word]}">{MARKS[word]} {word[0].upper()}{word[1:]}</span>'


def _place(at: object) -> str:
    return f"{at:.3g}" if isinstance(at, float) else _text(str(at))


def _text(text: str) -> str:
    return escape("".join(each for each in text if each in "\t\n" or each >= " "))
