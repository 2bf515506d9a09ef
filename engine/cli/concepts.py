"""`concepts`: labels of units, and units that respond to a text. Purity is in `engine.cli.purity`."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from engine.cli.answer import Answer, table
from engine.cli.asking import ask, data_name
from engine.cli.files import vocabulary
from engine.concepts.naming import NameUnitsRequest
from engine.concepts.search import FindUnitsRequest
from engine.concepts.telling import of_layer
from engine.core.address import Address
from engine.core.errors import BadRequest
from engine.core.request import Request, Result, build
from engine.models.text import says_cut


def names(arguments: Namespace) -> Answer:
    """Labels of every unit of a site; `abstained` where the first word does not hold on the other half of the kinds."""
    _needs_model(arguments)
    if not arguments.site:
        raise BadRequest("No site given. Name one with --site, like --site blocks.6.mlp.hidden.")
    request = _request(NameUnitsRequest, arguments, site=arguments.site, measure=arguments.measure)
    result, stored = ask(request)
    units = [
        _unit(str(Address(arguments.model, arguments.site, (unit,))), scores[0], words, scores, abstained, result)
        for unit, (words, scores, abstained) in enumerate(
            zip(*(result.arrays[name] for name in ("words", "scores", "abstained")), strict=True)
        )
    ]
    tested = [name for name in result.arrays if name in TESTED or name.startswith("p_")]
    for number, unit in enumerate(units):
        unit |= {name: float(result.arrays[name][number]) for name in tested}
    facts = {**_about(request, result, stored), **{name: result.facts[name] for name in TOLD}, "units": units}
    sentence = facts["sentence"] = of_layer(result)
    lines = [("" if unit["abstained"] else "named", *_row(unit), unit["held_out"]) for unit in units]
    text = table(("", "unit", "score", "words", "held out"), lines)
    return Answer(facts, "\n".join([text, *says_cut(result.facts.get("cut", {})), sentence]))


TESTED = ("held_out", "low", "high", "p")
TOLD = ("images", "kinds", "against", "level", "named", "passing", "rates", "largest_p", "smallest", "twin")


def find(arguments: Namespace) -> Answer:
    """The units that respond best to a text; `abstained` where a unit does not exceed chance."""
    _needs_model(arguments)
    request = _request(FindUnitsRequest, arguments, text=arguments.text, site=arguments.site, role=arguments.role)
    result, stored = ask(request)
    chance = result.facts["chance"]
    units = [
        {
            **_unit(row["address"], row["score"], words, scores, row["score"] <= chance, result),
            **{name: row[name] for name in ("z", "rank", "words_above")},
        }
        for row, words, scores in zip(
            result.tables["units"].to_dict("records"), result.arrays["words"], result.arrays["word_scores"], strict=True
        )
    ]
    told = ("text", "read", "found", "chance", "among_words", "sentence", "sparse", "searched")
    facts = {**_about(request, result, stored), **{name: result.facts[name] for name in told}, "units": units}
    facts["cut"] = result.facts.get("cut", {})
    sparse = result.facts["sparse"]
    lines = [
        table(("unit", "score", "best words"), [_row(unit) for unit in units]),
        result.facts["sentence"],
        *says_cut(result.facts.get("cut", {})),
        f"Combined: {sparse['address']}, correlation {sparse['correlation']:.2f}, {sparse['held_out']:.2f} on held-out images.",
    ]
    return Answer(facts, "\n".join(lines))


def _needs_model(arguments: Namespace) -> None:
    if not arguments.model:
        raise BadRequest("No model given. Name one with --model, like --model starter-clip.")


def _request(kind: type[Request], arguments: Namespace, **fields: Any) -> Request:
    if arguments.top is not None:
        fields["top"] = arguments.top
    return build(
        kind,
        model=arguments.model,
        data=data_name(arguments.data),
        reader=arguments.reader,
        vocabulary=vocabulary(arguments.vocabulary),
        template=arguments.template,
        **fields,
    )


def _about(request: Request, result: Result, stored: bool) -> dict[str, Any]:
    return {
        "request": result.request,
        "key": request.key(),
        "stored": stored,
        "seconds": result.facts["seconds"],
        "device": result.facts["device"],
        "precision": result.precision,
    }


def _unit(address: str, score: Any, words: Any, scores: Any, abstained: Any, result: Result) -> dict[str, Any]:
    known = result.facts["words"]
    return {
        "unit": address,
        "score": float(score),
        "words": [{"word": known[word], "score": float(each)} for word, each in zip(words, scores, strict=True)],
        "abstained": bool(abstained),
    }


def _row(unit: dict[str, Any]) -> tuple[str, float, str]:
    return unit["unit"], unit["score"], ", ".join(word["word"] for word in unit["words"])
