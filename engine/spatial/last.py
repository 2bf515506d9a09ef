"""What the last layer does (paper, section 4 and Table 1): from which tokens the head can answer, when the class token must
have met the patches, and whether attention in a block is anything but averaging."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import torch
from pydantic import Field

from engine.core import devices
from engine.core.errors import BadRequest
from engine.core.experiments import experiment
from engine.core.precision import autocast
from engine.core.request import Context, Result
from engine.core.statistics import estimate
from engine.evaluation.predictions import outputs
from engine.evaluation.request import OnImages, report
from engine.evaluation.streaming import Stream
from engine.spatial import attention, images
from engine.spatial.blocks import Stack
from engine.spatial.probes import Probes

BATCH_BYTES = 256 << 20
LARGEST_BATCH = 64
COLUMNS = ("experiment", "name", "index", "head", "top1", "top5", "n")


@experiment(
    title="The last layer",
    about="Accuracy of the head on different tokens, class token isolation and uniform attention.",
    page="spatial",
    models=("classes",),
    data=("labels",),
)
class LastLayerRequest(OnImages):
    """Accuracy under everything that can be done to the last layers, on one data set (at most `images` of it).

    Table `accuracy`: experiment, index, head, name, top1, top5, n, their 95% intervals, `difference` to the model as it is
    (top1, paired, with interval), and `smallest`, the smallest difference that so many images would show with 80%
    power. Intervals count the scenes of a matched set as belonging together. Its experiments:

    - `natural`: the model as it is. `heads`: the final norm and head, not trained again, on the class token (`cls`),
      on the mean of the patches (`patch_mean`), on the mean of all tokens (`all_mean`), on each single position (mean:
      `patch_average`, best: `patch_maximum`; paper, Table 1).
    - `isolation`, index L: in the first L blocks prefix tokens and patches each see only themselves (paper, section
      4). `cls_only`, index L: after L blocks the patches are dropped.
    - `uniform`, index l: block l attends to everything alike; with `head`, one head of the last block alone.

    Table `attention`: block, head, entropy (1: all alike) and distance from all alike (total variation), each with
    its interval over images, for queries on the image; `cls_entropy` for those of the prefix. Array `position_accuracy`
    (2, height, width): top1 and top5 from each position. Facts: images, evaluations (block evaluations an image),
    missing, skipped, best_position, held_out (with held_out_interval), chance (of one answer at random among all of the
    model's classes, as it answers among all of them), seconds, device. A model that does not answer in the data's
    classes has empty tables, and `missing` says why.
    """

    experiment = "spatial-last"
    version = 4
    changes: ClassVar[Mapping[int, str]] = {
        4: "The interval of the best position's share among five answers knows which images belong together.",
        3: "Intervals know which images belong together, and beside each difference stands the smallest one that so many "
        "images would show.",
    }

    images: int | None = Field(default=None, ge=1)

    def run(self, context: Context) -> Result:
        stream = Stream.of(self, context)
        try:
            answers = measure(stream, self.images)
        except BadRequest as error:  # no classifier, or other classes: a result that says so
            empty = {"accuracy": pd.DataFrame(columns=list(COLUMNS)), "attention": pd.DataFrame()}
            answers = Result({}, {}, empty, {"images": 0, "missing": [str(error)], "evaluations": {}, "chance": None})
        return stream.result(self, answers.arrays, answers.tables, answers.facts)


def measure(stream: Stream, most: int | None = None) -> Result:
    """All of it in one pass over the images. Raises BadRequest where there is nothing to be right about."""
    model, dataset = stream.loaded, stream.dataset
    labels, matching = images.labels_for(model, dataset)
    numbers = np.array([number for number in images.order(dataset) if number in labels])[:most]
    widest = max(site.grid.positions * site.units for site in model.sites.values())
    size = model.images_per_pass(max(1, min(LARGEST_BATCH, BATCH_BYTES // (widest * 4 * 8))))

    def one_pass(size: int) -> Result:
        with torch.no_grad():
            probes, clusters = Probes(model), list[np.ndarray]()
            done = 0
            for batch in images.batches(dataset, numbers, model, size, stream.skipped):
                right = torch.tensor([labels[int(number)] for number in batch.numbers], device=model.device)
                with autocast(model.device):
                    probes.add(model.normalize(batch.images), right)
                clusters.append(batch.clusters)
                done += len(batch.numbers)
                stream.tell(done, len(numbers))
        return result_of(probes, np.concatenate(clusters), outputs(model))

    answers = devices.halve_on_oom(one_pass, size)
    answers.facts["skipped"] = report(dataset, stream.skipped, matching.notes)
    if unknown := int((matching.to_model < 0).sum()):
        answers.facts["missing"].append(
            f"{unknown:,} of the {len(matching.to_model):,} classes of “{dataset.name}” cannot be matched with those of "
            f"{model.name}; their images are skipped."
        )
    return answers


def result_of(probes: Probes, clusters: np.ndarray, classes: int) -> Result:
    """What `probes` saw on images (`clusters`: which of them belong together) of a model that answers with so many classes, as
    `LastLayerRequest` says."""
    answers, done = probes.answers, len(clusters)
    rows = [{"experiment": "natural", "name": "natural", **_flat(answers.accuracy("natural", None, clusters))}]
    for name in ("cls", "patch_mean", "all_mean"):
        if name in answers:
            rows.append({"experiment": "heads", "name": name, **_flat(answers.accuracy(name, "natural", clusters))})
    arrays, facts = {}, {}
    if probes.positions is not None and probes.readout is not None:
        grid, best = probes.readout.grid, probes.positions.maximum(clusters)
        facts = {"best_position": divmod(best.pop("position"), grid.width)}
        facts |= {name: best.pop(name) for name in ("held_out", "held_out_interval")}
        rows.append({"experiment": "heads", "name": "patch_average", **_flat(probes.positions.average(clusters))})
        rows.append({"experiment": "heads", "name": "patch_maximum", **_flat(best)})
        arrays["position_accuracy"] = probes.positions.map().reshape(2, grid.height, grid.width).astype(np.float32)
    for what in ("isolation", "cls_only", "uniform"):
        for condition in _conditions(probes, what):
            index, *head = map(int, condition.split()[1:])
            place: Mapping[str, Any] = {"experiment": what, "index": index, "head": head[0] if head else None}
            rows.append({**place, "name": condition, **_flat(answers.accuracy(condition, "natural", clusters))})
    table = pd.DataFrame(rows)
    for column in ("index", "head"):
        table[column] = table.get(column, pd.Series(np.nan, table.index)).astype(float)
    evaluations = {} if probes.stack is None else evaluations_of(probes.stack)
    facts |= {"images": done, "missing": [*probes.missing], "evaluations": evaluations, "chance": 1 / classes}
    facts["watched"] = min(done, probes.images) and sum(len(each) for each in next(iter(probes.seen.values()), []))
    return Result({}, arrays, {"accuracy": table, "attention": _attention_table(probes, clusters)}, facts)


def _conditions(probes: Probes, what: str) -> list[str]:
    blocks = len(probes.stack.blocks if probes.stack else probes.attentions)
    heads = attention.heads_of(probes.attentions[-1]) if probes.attentions else 0
    names = [f"{what} {index}" for index in range(blocks + 1)]
    names += [f"{what} {len(probes.attentions) - 1} {head}" for head in range(heads)]
    return [name for name in names if name in probes.answers]


def evaluations_of(stack: Stack) -> dict[str, Any]:
    """Block evaluations for each image, by kind, and what one pass for each L would need of patches alone."""
    batches = stack.evaluations["natural"] / len(stack.blocks)
    counted = {kind: round(count / batches) for kind, count in stack.evaluations.items()}
    depth = len(stack.blocks)
    return {**counted, "patches alone, one pass for each L": depth * (depth - 1) // 2}


def _attention_table(probes: Probes, clusters: np.ndarray) -> pd.DataFrame:
    rows = []
    for (block, head), parts in sorted(probes.seen.items()):
        values = torch.cat(parts).double().numpy()
        row: dict[str, Any] = {"block": block, "head": head, "n": len(values)}
        for column, name in enumerate(("entropy", "distance", "cls_entropy")):
            if np.isnan(values[:, column]).any():
                continue
            value, low, high = estimate(values[:, column], clusters=clusters[: len(values)])
            row |= {name: value, f"{name}_low": low, f"{name}_high": high}
        rows.append(row)
    return pd.DataFrame(rows, columns=None if rows else ["block", "head", "n", "entropy", "distance"])


def _flat(facts: dict[str, Any]) -> dict[str, Any]:
    """Intervals as two columns each."""
    flat = {}
    for name, value in facts.items():
        if isinstance(value, list):
            flat |= {f"{name}_low": value[0], f"{name}_high": value[1]}
        else:
            flat[name] = value
    return flat
