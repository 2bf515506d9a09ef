"""`counterfactual`, `texture`, `spectrum` and `challenge`: further measurements of what models rely on."""

from __future__ import annotations

import math
from argparse import Namespace
from typing import Any

from engine.cli.answer import Answer, table
from engine.cli.asking import data_name
from engine.cli.rows import ask_all, left_out, skipped, tables_of
from engine.core.errors import BadRequest
from engine.core.request import Request, Result, build
from engine.core.shares import share, shares
from engine.data.registry import open_dataset
from engine.evaluation import comparison, telling
from engine.evaluation.class_matching import check_comparable
from engine.reliance.counterfactual import CounterfactualRequest, drops_apart, lives, places_apart
from engine.reliance.gradient_spectrum import GradientSpectrumRequest
from engine.reliance.imagenet9 import ChallengeRequest
from engine.reliance.texture import TextureRequest


def counterfactual(arguments: Namespace) -> Answer:
    """Answers on matched sets of scenes, and reliance on the place relative to an ideal observer."""
    results, about = ask_all(_requests(arguments, CounterfactualRequest))
    models = [_moved(result) for result in results]
    facts: dict[str, Any] = {
        **about,
        "planted": results[0].facts["planted"],
        "models": models,
        "paired_drops": drops_apart(results),
        "paired_lives": places_apart(results),
        "skipped": skipped(results),
    }
    lines = [
        (
            model["model"],
            row["variant"],
            row["answer"],
            row["share"],
            row["chance"],
            row["ideal"],
            row["smallest"],
            row["n"],
        )
        for model in models
        for row in model["answers"]
    ]
    ends = [
        f"{model['model']}: reliance on the place {_interval(model, 'reliance')} in calibrated log-odds (temperatures "
        f"{' and '.join(f'{each:.2f}' for each in model['temperatures'])}), where 1 is ideal use of the cue (planted: "
        f"{facts['planted']['home']:.0%} at home, {facts['planted']['elsewhere']:.0%} on every other place)."
        for model in models
    ]
    ends += [_empty(model["model"], model["lives"]) for model in models]
    ends += [telling.moved(row) for row in facts["paired_drops"]]
    ends += [telling.empty(row) for row in facts["paired_lives"]]
    text = table(("model", "scene", "answer", "share", "by chance", "ideal", "seen above chance from", "n"), lines)
    return Answer(facts, "\n".join([text, *ends, *left_out(facts["skipped"])]))


def texture(arguments: Namespace) -> Answer:
    """Accuracy on shuffled patches, and on silhouettes filled with another object's texture."""
    data = data_name(arguments.data)
    cut = "mask" if "mask" in open_dataset(data).cuts() else "saliency"
    results, about = ask_all(_requests(arguments, TextureRequest, cut=cut))
    models: list[dict[str, Any]] = [
        {
            "model": result.request["model"],
            **{name: result.facts[name] for name in ("shape", "texture", "shape_bias")},
            **tables_of(result),
        }
        for result in results
    ]
    paired = comparison.paired(comparison.align(results)) if len(results) > 1 else []
    facts: dict[str, Any] = {**about, "cut": cut, "models": models, "paired": paired, "skipped": skipped(results)}
    lines = [
        (model["model"], row["variant"], row["fill"] or "-", row["top1"], row["top5"], row["n"])
        for model in models
        for row in model["variants"]
    ]
    ends = [f"{model['model']}: {_bias(model)}" for model in models]
    text = table(("model", "variant", "detail", "top1", "top5", "n"), lines)
    return Answer(facts, "\n".join([text, *ends, *left_out(facts["skipped"])]))


def spectrum(arguments: Namespace) -> Answer:
    """The mean frequency of units' input gradients in every layer."""
    data, more = data_name(arguments.data), {"images": arguments.limit} if arguments.limit else {}
    try:
        requests = [
            build(GradientSpectrumRequest, model=each, data=data, **more) for each in dict.fromkeys(arguments.models)
        ]
    except BadRequest as error:  # the request knows --limit as images
        raise BadRequest(str(error).replace("images:", "--limit:", 1)) from None
    results, about = ask_all(requests)
    models: list[dict[str, Any]] = [
        {"model": result.request["model"], "role": result.facts["role"], **tables_of(result)} for result in results
    ]
    facts: dict[str, Any] = {**about, "models": models, "skipped": skipped(results)}
    lines = [
        (model["model"], row["site"], row["mean_frequency"], row["interval"][0], row["interval"][1], row["n"])
        for model in models
        for row in model["layers"]
    ]
    return Answer(facts, table(("model", "site", "mean frequency", "low", "high", "n"), lines))


def challenge(arguments: Namespace) -> Answer:
    """Accuracy on each variation of ImageNet-9, and the BG-Gap."""
    results, about = ask_all(_requests(arguments, ChallengeRequest))
    models: list[dict[str, Any]] = [
        {"model": result.request["model"], "bg_gap": result.facts["bg_gap"], **tables_of(result)} for result in results
    ]
    facts: dict[str, Any] = {**about, "models": models, "skipped": skipped(results)}
    lines = [
        (model["model"], row["variation"], row["top1"], *row["top1_interval"], row["n"])
        for model in models
        for row in model["variations"]
    ]
    ends = [f"{model['model']}: BG-Gap {model['bg_gap'][0]:.3f}" for model in models if model["bg_gap"]]
    text = table(("model", "variation", "top1", "low", "high", "n"), lines)
    return Answer(facts, "\n".join([text, *ends, *left_out(facts["skipped"])]))


def _requests(arguments: Namespace, kind: type[Request], **more: Any) -> list[Request]:
    data = data_name(arguments.data)
    models = dict.fromkeys(arguments.models)
    if kind is not ChallengeRequest:  # which maps ImageNet's classes to its own nine
        check_comparable(arguments.models, data)
    return [build(kind, model=model, data=data, limit=arguments.limit, **more) for model in models]


def _moved(result: Result) -> dict[str, Any]:
    """What is told of a model on matched sets of scenes."""
    return {
        "model": result.request["model"],
        "reliance": result.facts["reliance"][0],
        "reliance_interval": result.facts["reliance"][1:],
        "temperatures": result.facts["temperatures"],
        "reliance_left_out": result.facts["reliance_left_out"],
        "drop": result.facts["drop"][0],
        "drop_interval": result.facts["drop"][1:],
        "drop_smallest": result.facts["drop_smallest"],
        "lives": lives(result),
        **tables_of(result),
    }


def _interval(model: dict[str, Any], name: str) -> str:
    low, high = model[f"{name}_interval"]
    if math.isnan(model[name]):
        return "unknown"
    return f"{model[name]:.2f} ({low:.2f} to {high:.2f})"


def _empty(model: str, found: dict[str, Any]) -> str:
    """How often an empty place is answered with a kind that lives there."""
    told = shares(found["value"], *found["interval"], digits=1)
    return (
        f"{model}, empty places: {told} of the answers live there; a blind guess {share(found['chance'], 1)}, the best "
        f"possible observer {share(found['ideal'], 1)}; above chance from {share(found['chance'] + found['smallest'], 1)} on in "
        f"80% of samples."
    )


def _bias(model: dict[str, Any]) -> str:
    if model["shape_bias"] is None:
        return "no answer followed either shape or texture."
    value, low, high = model["shape_bias"]
    return (
        f"shape {shares(value, low, high, digits=1)} of {model['shape'] + model['texture']} answers that follow either."
    )
