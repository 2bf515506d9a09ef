"""`visualize` and `index`: the experiments."""

from __future__ import annotations

from argparse import Namespace

from engine.cli import writing
from engine.cli.answer import Answer, table
from engine.cli.asking import ask, data_name
from engine.cli.files import image, recipe, with_files
from engine.cli.rows import left_out, skipped
from engine.core.address import Address
from engine.core.config import settings
from engine.core.errors import BadRequest
from engine.core.paths import typed_path
from engine.core.request import build
from engine.evaluation.index import IndexRequest
from engine.visualization.request import VisualizeRequest

NUMBERS = (
    "activation", "margin", "control", "percentile", "ratio_to_best_scene", "ratio_as_is", "failed", "seconds",
)  # fmt: skip
# Of these only those that the result has: recognised only for class logits, stability only for several seeds.
FURTHER = ("recognised", "stability")


def visualize(arguments: Namespace) -> Answer:
    """Make the pictures, write them to `--out`, and report how strongly each activates its unit."""
    where = with_files(_address(arguments), arguments)
    request = build(
        VisualizeRequest,
        model=where.model,
        site=where.site,
        units=where.units,
        targets=where.targets,
        recipe=recipe(arguments.recipe),
        seed=arguments.seed,
        opposite=arguments.opposite,
        data=data_name(arguments.data),
        start="" if arguments.start is None else image(arguments.start),
        importance=arguments.importance,
        several=arguments.several,
        seeds=arguments.seeds,
    )
    out = None if arguments.out is None else typed_path(arguments.out)
    if out:
        writing.must_be_writable(out)
    result, stored = ask(request)
    images = writing.write(result, out) if out else {}
    records = result.tables["units"].to_dict("records")
    shown = (*NUMBERS, *(name for name in FURTHER if name in result.tables["units"]))
    units = [
        {"unit": record["unit"], **{column: record[column] for column in shown}, "image": images.get(name)}
        for name, record in zip(request.names, records, strict=True)
    ]
    facts = {
        "request": result.request,
        "key": request.key(),
        "stored": stored,
        "device": result.facts["device"],
        "precision": result.precision,
        "seconds": result.facts["seconds"],
        "units": units,
    }
    return Answer(facts, table(("unit", *shown, "image"), [tuple(unit.values()) for unit in units]))


def index(arguments: Namespace) -> Answer:
    """Run a data set through the model once and store the activations of every unit of the site."""
    request = build(
        IndexRequest,
        model=arguments.model,
        site=arguments.site,
        data=data_name(arguments.data),
        top=arguments.top,
    )
    result, stored = ask(request)
    facts = {
        "model": arguments.model,
        "site": arguments.site,
        "data": arguments.data,
        "images": result.facts["images"],
        "units": result.facts["units"],
        "seconds": result.facts["seconds"],
        "device": result.facts["device"],
        "precision": result.precision,
        "key": request.key(),
        "stored": stored,
        "skipped": skipped([result]),
    }
    how = "stored already" if stored else f"took {facts['seconds']:.1f} s"
    what = f"{facts['units']} units on {facts['images']} images of {arguments.data}"
    done = f"{arguments.model}@{arguments.site}: {what}, {how}."
    return Answer(facts, "\n".join([done, *left_out(facts["skipped"])]))


def _address(arguments: Namespace) -> Address:
    """The units asked for: as one address, or as model, site and units. Raises BadRequest for half of either."""
    parts = {"--model": arguments.model, "--site": arguments.site, "--units": arguments.units}
    if arguments.direction or arguments.invert or arguments.caricature or arguments.text:
        parts["--units"] = arguments.units or ((), ())
    given = [name for name, value in parts.items() if value is not None and value != ((), ())]
    if arguments.address and given:
        raise BadRequest(
            f"Both an address and {given[0]} were given. Give either the address, or --model, --site and --units."
        )
    if arguments.address:
        return Address.parse(arguments.address, settings().units_limit)
    missing = [name for name, value in parts.items() if value is None]
    if missing:
        raise BadRequest(f"{' and '.join(missing)} missing. Give the units as --model M --site S --units 0:16.")
    return Address(arguments.model, arguments.site, *parts["--units"])
