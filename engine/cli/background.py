"""`background`, `frequency` and their relatives: what models rely on."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from engine.cli.answer import Answer, table
from engine.cli.asking import data_name
from engine.cli.rows import ask_all, left_out, row_of, rows_of, skipped, tables_of
from engine.core.request import build
from engine.data.registry import open_dataset
from engine.evaluation import comparison, telling
from engine.evaluation.class_matching import check_comparable
from engine.evaluation.samples import best_cut
from engine.reliance import frequency as frequencies
from engine.reliance.background import BackgroundRequest
from engine.reliance.frequency import FrequencyRequest

COLUMNS = ("top1", "top5", "top5_normalised", "loss", "n")


def background(arguments: Namespace) -> Answer:
    """Accuracy on intact images, on objects alone and on backgrounds alone, for each model, with paired differences."""
    data = _data(arguments)
    cut = best_cut(open_dataset(data)) if arguments.cut == "auto" else arguments.cut
    requests = [
        build(BackgroundRequest, model=model, data=data, cut=cut, fills=tuple(arguments.fills), limit=arguments.limit)
        for model in dict.fromkeys(arguments.models)
    ]
    results, about = ask_all(requests)
    first = "" if results[0].request["fills"][0] == "tile" else results[0].request["fills"][0]
    models: list[dict[str, Any]] = []
    for result in results:
        rows = rows_of(result.tables["variants"])
        main = {row["variant"]: row for row in rows if row["fill"] in ("", first)}
        models.append({"model": result.request["model"], **main, "variants": rows})
    aligned = comparison.align(results)
    several = len(results) > 1
    facts: dict[str, Any] = {
        **about,
        "cut": cut,
        "models": models,
        "paired": comparison.paired(aligned) if several else [],
        "paired_places": comparison.paired_places(aligned),
        "matched": comparison.matched(aligned) if several else None,
        "robustness": comparison.robustness(aligned) if several else None,
        "sentence": telling.sentence(aligned) if several else None,
        "skipped": skipped(results),
    }
    lines = [
        (model["model"], row["variant"], row["fill"] or "-", *(row[column] for column in COLUMNS))
        for model in models
        for row in model["variants"]
    ]
    text = table(("model", "variant", "fill", "top1", "top5", "top5 / full", "loss", "n"), lines)
    notes = [facts["sentence"]] if several else []
    notes += [
        _lives(model["model"], row) for model in models for row in model["variants"] if row.get("lives") is not None
    ]
    notes += [_apart(row) for row in facts["paired_places"]]
    if (places := len(facts["paired_places"])) > 1:
        notes.append(f"Each of these {places} intervals is a 95% interval by itself; none allows for the others.")
    if cut == "saliency":
        notes.append("Objects were segmented by the saliency network, so these numbers depend on that network too.")
    return Answer(facts, "\n".join([text, *notes, *left_out(facts["skipped"])]))


def _data(arguments: Namespace) -> str:
    """The data set, on which the models must have something in common. Raises BadRequest before anything runs."""
    data = data_name(arguments.data)
    check_comparable(arguments.models, data)
    return data


def _lives(model: str, row: dict[str, Any]) -> str:
    """How often a background alone is answered with a class that lives there."""
    low, high = row["lives_interval"]
    seen = row["lives_chance"] + row["lives_smallest"]
    return (
        f"{model}, backgrounds alone ({row['fill']}): {row['lives']:.1%} ({low:.1%} to {high:.1%}) of the answers live at the "
        f"place shown; a blind guess {row['lives_chance']:.1%}, the best possible observer {row['lives_ideal']:.1%}; above "
        f"chance from {seen:.1%} on in 80% of samples. The class itself the best observer would name in {row['top1_ideal']:.2%}."
    )


def _apart(row: dict[str, Any]) -> str:
    low, high = row["interval"]
    return (
        f"The place shown is answered by {row['a']} minus {row['b']} ({row['fill']}): {100 * row['difference']:+.1f} points "
        f"({100 * low:+.1f} to {100 * high:+.1f}); {100 * row['smallest']:.1f} would be seen in 80% of samples."
    )


def frequency(arguments: Namespace) -> Answer:
    """Accuracy on low-passed, high-passed and band-passed images, for each model."""
    data = _data(arguments)
    wanted = {"cutoffs": tuple(arguments.cutoffs)} if arguments.cutoffs else {}
    requests = [
        build(FrequencyRequest, model=model, data=data, filter=arguments.filter, limit=arguments.limit, **wanted)
        for model in dict.fromkeys(arguments.models)
    ]
    results, about = ask_all(requests)
    models: list[dict[str, Any]] = []
    for result in results:
        tables = tables_of(result)
        values = {name: result.facts[f"low_{name}"] for name in ("area", "half_cutoff")}
        high = {name: result.facts[f"high_{name}"] for name in ("area", "half_cutoff")}
        models.append(
            {
                "model": result.request["model"],
                "full": row_of(result.facts["full"]),
                "low_pass": tables["low"],
                "high_pass": tables["high"],
                "band_pass": tables["band"],
                **{name: value and value[0] for name, value in values.items()},
                **{f"{name}_interval": value and value[1:] for name, value in values.items()},
                **{f"high_{name}": value and value[0] for name, value in high.items()},
                **{f"high_{name}_interval": value and value[1:] for name, value in high.items()},
                "images_per_second": result.facts["images_per_second"],
            }
        )
    facts: dict[str, Any] = {
        **about,
        "filter": arguments.filter,
        "models": models,
        "paired": [{"kind": kind, **row} for kind in ("low", "high") for row in frequencies.paired(results, kind)],
        "skipped": skipped(results),
    }
    # The low-pass has an extra last row, the intact image at 1, which need not be a cutoff of the high-pass.
    cutoffs = [row["cutoff"] for row in models[0]["low_pass"]]
    columns = [
        (f"{model['model']} {kind}", {row["cutoff"]: row["top1"] for row in model[f"{kind}_pass"]})
        for kind in ("low", "high")
        for model in models
    ]
    rows = [(cutoff, *(top1.get(cutoff) for _, top1 in columns)) for cutoff in cutoffs]
    ends = [
        f"{model['model']}: accuracy is halved by a low-pass that keeps {_spread(model, 'half_cutoff')} of Nyquist; "
        f"area under the normalised curve {_spread(model, 'area')}."
        for model in models
    ]
    text = table(("cutoff", *(name for name, _ in columns)), rows)
    return Answer(facts, "\n".join([text, *ends, *left_out(facts["skipped"])]))


def _spread(model: dict[str, Any], name: str) -> str:
    if model[name] is None:
        return "no measured cutoff"
    return f"{model[name]:.3f} ({telling.between(*model[f'{name}_interval'])})"
