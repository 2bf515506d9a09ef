"""What the last layer does (paper, section 4 and Table 1): from which tokens the head can answer, when the class token must
have met the patches, and whether attention in a block is anything but averaging."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from pydantic import Field
from torch import Tensor

from engine import catalog, devices
from engine.datasets import open_dataset
from engine.errors import BadRequest
from engine.experiment import Context, Progress, Result, experiment
from engine.imagesets import Dataset
from engine.models import LoadedModel
from engine.on_images import OnImages
from engine.spatial import attention, images
from engine.spatial.accuracy import Answers, Positions
from engine.spatial.blocks import NotTakenApart, ReadOut, Stack
from engine.statistics import bootstrap_interval

BATCH_BYTES = 256 << 20
LARGEST_BATCH = 64
WATCHED = 256
"""Images whose attention weights are looked at: their means are steady long before all images are."""
COLUMNS = ("experiment", "name", "index", "head", "top1", "top5", "n")


@experiment
class LastLayerRequest(OnImages):
    """Accuracy under everything that can be done to the last layers, on one data set (at most `images` of it).

    Table `accuracy`: experiment, index, head, name, top1, top5, n, their 95% intervals, and `difference` to the model as
    it is (top1, paired, with interval). Its experiments:

    - `natural`: the model as it is. `heads`: the final norm and head, not trained again, on the class token (`cls`),
      on the mean of the patches (`patch_mean`), on the mean of all tokens (`all_mean`), on each single position (mean:
      `patch_average`, best: `patch_maximum`; paper, Table 1).
    - `isolation`, index L: in the first L blocks prefix tokens and patches each see only themselves (paper, section
      4). `cls_only`, index L: after L blocks the patches are dropped.
    - `uniform`, index l: block l attends to everything alike; with `head`, one head of the last block alone.

    Table `attention`: block, head, entropy (1: all alike) and distance from all alike (total variation), each with
    its interval over images, for queries on the image; `cls_entropy` for those of the prefix. Array `position_accuracy`
    (2, height, width): top1 and top5 from each position. Facts: images, evaluations (block evaluations an image),
    missing, best_position, held_out, chance, seconds, device. A model that does not answer in the data's classes has
    empty tables, and `missing` says why.
    """

    experiment = "spatial-last"
    version = 1

    images: int | None = Field(default=None, ge=1)

    def run(self, context: Context) -> Result:
        started = time.monotonic()
        model, dataset = catalog.load(self.model), open_dataset(self.data)
        try:
            found = measure(model, dataset, context, self.images)
        except BadRequest as error:  # no classifier, or other classes: a result that says so
            empty = {"accuracy": pd.DataFrame(columns=list(COLUMNS)), "attention": pd.DataFrame()}
            found = Result({}, {}, empty, {"images": 0, "missing": [str(error)], "evaluations": {}, "chance": None})
        found.request = json.loads(self.canonical())
        found.facts |= {
            "seconds": time.monotonic() - started,
            "device": devices.describe(model.device)["name"],
            "precision": devices.describe(model.device)["precision"],
        }
        return found


def measure(model: LoadedModel, dataset: Dataset, context: Context, most: int | None = None) -> Result:
    """All of it in one pass over the images. Raises BadRequest where there is nothing to be right about."""
    labels = images.labels_for(model, dataset)
    numbers = np.array([number for number in images.order(dataset) if number in labels])[:most]
    widest = max(site.grid.positions * site.units for site in model.sites.values())
    size = max(1, min(LARGEST_BATCH, BATCH_BYTES // (widest * 4 * 8)))

    def stream(size: int) -> Result:
        with torch.no_grad():
            probes = Probes(model)
            done = 0
            for batch in images.batches(dataset, numbers, model, size):
                right = torch.tensor([labels[int(number)] for number in batch.numbers], device=model.device)
                with devices.autocast(model.device):
                    probes.add(model.normalize(batch.images), right)
                done += len(batch.numbers)
                context.report(Progress(done, len(numbers), f"{done} of {len(numbers)} images"))
        return probes.result(done, len({*labels.values()}))

    return devices.halve_on_oom(stream, size)


class Probes:
    """One model under all of these conditions, while images stream by. Whatever it does not have is left out, and
    said."""

    def __init__(self, model: LoadedModel) -> None:
        self.model = model
        self.answers, self.missing = Answers(), dict[str, None]()
        self.attentions = attention.attentions(model.module)
        self.readout = self._or_none(lambda: ReadOut.of(model))
        self.stack: Stack | None = None
        self.reads_prefix = self.readout is not None and self.readout.reads_prefix
        if not self.attentions:
            self._say(
                f"{model.name} has neither attention nor a class token: only its heads and positions are measured."
            )
        elif self.readout is not None:
            self.stack = self._or_none(lambda: Stack.of(model, self.readout))
            if not self.reads_prefix:
                self._say(f"The head of {model.name} reads no class token, so there is none to isolate.")
        self.watchable = self._watchable()
        grid = self.readout.grid if self.readout else None
        self.positions = Positions(grid.height * grid.width) if grid else None
        self._seen: dict[tuple[int, int], list[Tensor]] = {}
        self._images = 0

    def add(self, normalized: Tensor, labels: Tensor) -> None:
        """Take in a batch of normalised images with the model's classes for them."""
        if self.stack is not None:
            states = self._natural(self.stack, normalized, labels)
            if self.reads_prefix:
                self._isolation(self.stack, states, labels)
                self._prefix_only(self.stack, states, labels)
            self._uniform_in_stack(self.stack, states, labels)
        else:
            self._whole(normalized, labels)
        self._images += len(labels)

    # The model as it is, and its heads

    def _natural(self, stack: Stack, normalized: Tensor, labels: Tensor) -> list[Tensor]:
        """Tokens before the first block and after each."""
        states = [stack.embed(normalized)]
        with attention.watched(self.attentions if self._watching() else []) as seen:
            for index in range(len(stack.blocks)):
                states.append(stack.run(index, states[-1], "natural"))
        self._look(seen)
        with torch.autocast(self.model.device.type, enabled=False):
            self._heads(stack.norm(states[-1].float()), labels)
        return states

    def _heads(self, features: Tensor, labels: Tensor) -> None:
        """The head on the features, in float32: as it is, on means, and on each position."""
        readout = self.readout
        assert readout is not None and self.positions is not None
        answer = readout.logits(features)
        self.answers.add("natural", answer, labels)
        if readout.reads_prefix:
            self.answers.add("cls", answer, labels)
        tokens = readout.positions(features)
        patches = tokens[:, readout.grid.prefix :]
        self.answers.add("patch_mean", readout.single(patches.mean(dim=1)), labels)
        self.answers.add("all_mean", readout.single(tokens.mean(dim=1)), labels)
        self.positions.add(readout.single(patches), labels)

    def _whole(self, normalized: Tensor, labels: Tensor) -> None:
        """A model that is not taken apart: its heads, and one pass for each attention that is made uniform."""
        module: Any = self.model.module
        if self.readout is None:
            self.answers.add("natural", module(normalized).float(), labels)
        else:
            with attention.watched(self.attentions if self._watching() else []) as seen:
                features = module.forward_features(normalized)
            self._look(seen)
            with torch.autocast(self.model.device.type, enabled=False):
                self._heads(features.float(), labels)
        for index, part in enumerate(self.attentions):
            self._uniform(index, None, part, lambda: module(normalized).float(), labels)
        for head in range(attention.heads_of(self.attentions[-1]) if self.attentions else 0):
            last = len(self.attentions) - 1
            self._uniform(last, head, self.attentions[last], lambda: module(normalized).float(), labels)

    # The class token apart from the patches

    def _isolation(self, stack: Stack, states: list[Tensor], labels: Tensor) -> None:
        """For every L: one stream of patches alone and one of the prefix alone serve all."""
        depth, prefix = len(stack.blocks), stack.prefix
        self.answers.add("isolation 0", stack.rest(depth, states[-1], "joint"), labels)
        alone, patches = states[0][:, :prefix], states[0][:, prefix:]
        for count in range(1, depth + 1):
            alone = stack.run(count - 1, alone, "prefix alone")
            if count == depth:
                answer = self._answer_alone(stack, alone)
            else:
                patches = stack.run(count - 1, patches, "patches alone")
                answer = stack.rest(count, torch.cat([alone, patches], dim=1), "joint")
            self.answers.add(f"isolation {count}", answer, labels)

    def _prefix_only(self, stack: Stack, states: list[Tensor], labels: Tensor) -> None:
        depth = len(stack.blocks)
        for after in range(depth + 1):
            alone = states[after][:, : stack.prefix]
            for index in range(after, depth):
                alone = stack.run(index, alone, "prefix alone")
            self.answers.add(f"cls_only {after}", self._answer_alone(stack, alone), labels)

    def _answer_alone(self, stack: Stack, alone: Tensor) -> Tensor:
        """From the prefix alone. A head that reads the image too is given the prefix's mean in its place."""
        if stack.readout.reads_image:
            places = stack.readout.grid.positions - stack.prefix
            alone = torch.cat([alone, alone.mean(dim=1, keepdim=True).expand(-1, places, -1)], dim=1)
        return stack.answer(alone)

    # Attention taken away, and looked at

    def _uniform_in_stack(self, stack: Stack, states: list[Tensor], labels: Tensor) -> None:
        last = len(stack.blocks) - 1
        for index, part in enumerate(self.attentions):
            heads: list[int | None] = [None, *(range(attention.heads_of(part)) if index == last else ())]
            for head in heads:

                def answer(index: int = index) -> Tensor:
                    return stack.run(index, states[index], "uniform")

                self._uniform(index, head, part, answer, labels, lambda out, i=index: stack.rest(i + 1, out, "uniform"))

    def _uniform(self, index: int, head: int | None, part: Any, run: Any, labels: Tensor, rest: Any = None) -> None:
        try:
            with attention.uniform(part, None if head is None else [head]):
                out = run()
        except NotTakenApart as error:
            self._say(str(error))
            return
        name = f"uniform {index}" if head is None else f"uniform {index} {head}"
        self.answers.add(name, out if rest is None else rest(out), labels)

    def _watching(self) -> bool:
        return self.watchable and self._images < WATCHED

    def _look(self, seen: list[tuple[Tensor, Tensor]]) -> None:
        """Entropy and distance of each head of each block, averaged over queries, one row an image."""
        prefix = self.readout.grid.prefix if self.readout else 0
        for block, (projected, _) in enumerate(seen):
            spread = attention.spread(attention.weights(self.attentions[block], projected))
            parts = [each[..., prefix:].mean(dim=2) for each in spread]
            parts.append(spread[0][..., :prefix].mean(dim=2) if prefix else torch.full_like(parts[0], torch.nan))
            for head, values in enumerate(torch.stack(parts, dim=2).transpose(0, 1)):
                self._seen.setdefault((block, head), []).append(values.float().cpu())

    def _watchable(self) -> bool:
        """Whether query and key are all there is to the weights of every attention."""
        if not self.attentions:
            return False
        noise = torch.rand(1, 3, *self.model.input_size, generator=torch.Generator().manual_seed(0))
        with attention.watched(self.attentions) as seen:
            self.model.module(self.model.normalize(noise.to(self.model.device)))
        fits = len(seen) == len(self.attentions) and all(
            projected.ndim == 3 and len(projected) == 1 and attention.explains(part, projected, added)
            for part, (projected, added) in zip(self.attentions, seen, strict=True)
        )
        if not fits:
            self._say(f"The attention weights of {self.model.name} hold more than query and key; they are not shown.")
        return fits

    # What came out

    def result(self, done: int, classes: int) -> Result:
        """Everything as tables, an array and facts."""
        rows = [{"experiment": "natural", "name": "natural", **_flat(self.answers.accuracy("natural"))}]
        for name in ("cls", "patch_mean", "all_mean"):
            if name in self.answers:
                rows.append({"experiment": "heads", "name": name, **_flat(self.answers.accuracy(name, "natural"))})
        arrays, facts = {}, {}
        if self.positions is not None and self.readout is not None:
            grid, best = self.readout.grid, self.positions.maximum()
            facts = {"best_position": divmod(best.pop("position"), grid.width), "held_out": best.pop("held_out")}
            rows.append({"experiment": "heads", "name": "patch_average", **_flat(self.positions.average())})
            rows.append({"experiment": "heads", "name": "patch_maximum", **_flat(best)})
            arrays["position_accuracy"] = self.positions.map().reshape(2, grid.height, grid.width).astype(np.float32)
        for what in ("isolation", "cls_only", "uniform"):
            for condition in self._conditions(what):
                index, *head = map(int, condition.split()[1:])
                place: Mapping[str, Any] = {"experiment": what, "index": index, "head": head[0] if head else None}
                rows.append({**place, "name": condition, **_flat(self.answers.accuracy(condition, "natural"))})
        table = pd.DataFrame(rows)
        for column in ("index", "head"):
            table[column] = table.get(column, pd.Series(np.nan, table.index)).astype(float)
        evaluations = {} if self.stack is None else self._evaluations(self.stack)
        facts |= {"images": done, "missing": [*self.missing], "evaluations": evaluations, "chance": 1 / classes}
        facts["watched"] = min(done, self._images) and sum(len(each) for each in next(iter(self._seen.values()), []))
        return Result({}, arrays, {"accuracy": table, "attention": self._attention_table()}, facts)

    def _conditions(self, what: str) -> list[str]:
        blocks = len(self.stack.blocks if self.stack else self.attentions)
        heads = attention.heads_of(self.attentions[-1]) if self.attentions else 0
        names = [f"{what} {index}" for index in range(blocks + 1)]
        names += [f"{what} {len(self.attentions) - 1} {head}" for head in range(heads)]
        return [name for name in names if name in self.answers]

    def _evaluations(self, stack: Stack) -> dict[str, Any]:
        """Block evaluations for each image, by kind, and what one pass for each L would need of patches alone."""
        batches = stack.evaluations["natural"] / len(stack.blocks)
        counted = {kind: round(count / batches) for kind, count in stack.evaluations.items()}
        depth = len(stack.blocks)
        return {**counted, "patches alone, one pass for each L": depth * (depth - 1) // 2}

    def _attention_table(self) -> pd.DataFrame:
        rows = []
        for (block, head), parts in sorted(self._seen.items()):
            values = torch.cat(parts).double().numpy()
            row: dict[str, Any] = {"block": block, "head": head, "n": len(values)}
            for column, name in enumerate(("entropy", "distance", "cls_entropy")):
                if np.isnan(values[:, column]).any():
                    continue
                low, high = bootstrap_interval(values[:, column])
                row |= {name: values[:, column].mean(), f"{name}_low": low, f"{name}_high": high}
            rows.append(row)
        return pd.DataFrame(rows, columns=None if rows else ["block", "head", "n", "entropy", "distance"])

    def _say(self, line: str) -> None:
        self.missing[line] = None

    def _or_none(self, make: Any) -> Any:
        try:
            return make()
        except NotTakenApart as error:
            self._say(str(error))
            return None


def _flat(found: dict[str, Any]) -> dict[str, Any]:
    """Intervals as two columns each."""
    flat = {}
    for name, value in found.items():
        if isinstance(value, list):
            flat |= {f"{name}_low": value[0], f"{name}_high": value[1]}
        else:
            flat[name] = value
    return flat
