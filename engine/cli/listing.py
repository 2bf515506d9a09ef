"""`models`, `sites`, `data` and `experiments`: what there is to look at, and what can be asked."""

from __future__ import annotations

from argparse import Namespace

from engine.cli.answer import Answer, table
from engine.cli.asking import data_name
from engine.core import experiments as registry
from engine.data.registry import open_dataset
from engine.models import catalog
from engine.sites.access import lost


def models(arguments: Namespace) -> Answer:
    """Every model of the catalog."""
    names = ("name", "kind", "architecture", "weights", "available", "top1")
    entries = catalog.entries()
    rows = [{name: getattr(entry, name) for name in names} for entry in entries]
    told = [f"{entry.name}: {sentence}" for entry in entries for sentence in entry.reading]
    facts = [{**row, "reading": list(entry.reading)} for row, entry in zip(rows, entries, strict=True)]
    return Answer({"models": facts}, "\n".join([table(names, [tuple(row.values()) for row in rows]), *told]))


def data(arguments: Namespace) -> Answer:
    """One data set: how many images and classes it has, what is known of them, and how its files are read (which `data_name`
    has said already)."""
    name = data_name(arguments.data)
    found = open_dataset(name, typed=True)
    facts = {
        "data": name,
        "format": type(found).__name__,
        "images": len(found),
        "classes": list(found.class_names),
        "known": sorted(found.gives()),
        "reading": found.notes(),
        "left_out": len(found.report()),
    }
    shown = {**facts, "classes": len(found.class_names), "known": ", ".join(facts["known"]) or "nothing"}
    return Answer(facts, table(("", ""), [(each, shown[each]) for each in shown if each != "reading"]))


def sites(arguments: Namespace) -> Answer:
    """The sites of one model, in order of depth; `grid` is [height, width, prefix tokens]."""
    loaded = catalog.load(arguments.model)
    found, without = loaded.sites.values(), lost(loaded.module, loaded.input_size)
    facts = [
        {
            "site": site.name,
            "units": site.units,
            "grid": [site.grid.height, site.grid.width, site.grid.prefix],
            "role": site.role,
            "depth": site.depth,
        }
        for site in found
    ]
    rows = [(s.name, s.units, f"{s.grid.height} x {s.grid.width}", s.grid.prefix, s.role) for s in found]
    text = table(("site", "units", "positions", "prefix tokens", "role"), rows)
    text += f"\nNot listed, since nothing tells where in the image their positions lie: {without}." if without else ""
    return Answer({"model": arguments.model, "sites": facts, "lost": without}, text)


def experiments(arguments: Namespace) -> Answer:
    """Every experiment: the page that shows it, what it asks, and what it needs of models and images."""
    facts = [
        {
            "experiment": each.name,
            "title": each.title,
            "about": each.about,
            "page": each.page,
            "models": each.models,
            "data": each.data,
            "module": each.module,
        }
        for each in registry.experiments().values()
    ]
    rows = [(each.name, each.page, each.about, ", ".join(each.needs)) for each in registry.experiments().values()]
    return Answer({"experiments": facts}, table(("experiment", "page", "asks", "needs"), rows))
