"""`concepts --purity`: the share of units that respond to a concept, layer by layer, and the comparison of two models."""

from __future__ import annotations

import itertools
from argparse import Namespace
from typing import Any

from engine.cli.answer import Answer, table
from engine.cli.asking import ask, data_name
from engine.cli.rows import rows_of
from engine.concepts.purity.compare import could_be_found, kinds_singled_out
from engine.concepts.purity.request import PurityRequest, compare, difference, sites_of_role, too_few
from engine.core.errors import BadRequest
from engine.core.request import Result, build
from engine.core.shares import share
from engine.models import catalog

TOLD = (
    "concepts", "left_out", "few", "kinds", "images", "permutations", "level", "kinds_by_chance",
)  # fmt: skip
"""What is the same for all models."""


def purity(arguments: Namespace) -> Answer:
    """Test the units of one or more models against the known tags of the scenes.

    Raises BadRequest where no model is named, or one has no sites of the role.
    """
    names = [*dict.fromkeys(arguments.models)]
    if not names:
        raise BadRequest("No model given. Name one or more with --models.")
    for name in names:  # before the first is measured, which takes its time
        sites_of_role(catalog.load(name), arguments.role)
    data = data_name(arguments.data)
    requests = [build(PurityRequest, model=name, role=arguments.role, data=data) for name in names]
    answers = [ask(request) for request in requests]
    results = [result for result, _ in answers]
    models = [_model(result) for result in results]
    facts = {
        "data": data,
        "role": arguments.role,
        "keys": [request.key() for request in requests],
        "stored": [stored for _, stored in answers],
        "seconds": [result.facts["seconds"] for result in results],
        "precision": [result.precision for result in results],
        **{name: results[0].facts[name] for name in TOLD},
        "worlds": results[0].facts["permutations"],  # what scripts that were written before read
        "models": models,
        "paired": [_paired(a, b) for a, b in itertools.combinations(results, 2)],
        "sentence": compare(results),
    }
    columns = (
        *("beyond_likeness", "beyond_likeness_low", "beyond_likeness_high"),
        *("twin", "directions", "shuffled", "average_precision", "concept_units"),
    )
    rows = [
        (result.request["model"], name, *(row[column] for column in columns))
        for result in results
        for name, row in [
            *((row["site"], row) for row in result.tables["layers"].to_dict("records")),
            ("all", result.tables["overall"].to_dict("records")[0]),
        ]
    ]
    told = table(("model", "layer", *columns), rows)
    lines = [told, _can_be_found(results), kinds_singled_out(results), str(facts["sentence"])]
    return Answer(facts, "\n".join(lines))


def _can_be_found(results: list[Result]) -> str:
    """What such a test can find at all."""
    facts = results[0].facts
    return (
        f"{could_be_found(results)} {share(facts['few'])} of the tags have five kinds or "
        f"fewer; {len(facts['left_out'])} that hardly any unit could be found for are left out, {facts['concepts']} remain. "
        f"False discovery rate {share(facts['level'])} in each layer; a unit that means nothing has an average precision of "
        f"{facts['by_chance']:.3f}. {too_few(results)}"
    ).rstrip()


def _model(result: Result) -> dict[str, Any]:
    concepts = result.tables["concepts"]
    followed = concepts[concepts["units"] > 0].sort_values(["units", "tag"], ascending=[False, True])
    return {
        "model": result.request["model"],
        **{name: result.facts[name] for name in ("language", "twin", "power", "power_single", "by_chance")},
        "layers": rows_of(result.tables["layers"]),
        "overall": rows_of(result.tables["overall"])[0],
        "concepts": followed.to_dict("records"),
    }


def _paired(a: Result, b: Result) -> dict[str, Any]:
    """Differences over all layers, a minus b."""
    first, second = (result.tables["overall"].to_dict("records")[0] for result in (a, b))
    differences: dict[str, Any] = {"a": a.request["model"], "b": b.request["model"]}
    for name in ("beyond_likeness", "concept_units", "nominal_units", "kind_units"):
        value, low, high = difference(first, second, name)
        differences |= {name: value, f"{name}_interval": [low, high]}
    return differences
