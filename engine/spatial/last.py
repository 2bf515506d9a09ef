"""What the last layer does (paper, section 4 and Table 1): from which tokens the head can answer, when the class token must
have met the patches, and whether attention in a block is anything but averaging."""

from __future__ import annotations

import json
import time

import numpy as np
import pandas as pd
import torch
from pydantic import Field

from engine import catalog, devices
from engine.answers import outputs
from engine.datasets import open_dataset
from engine.errors import BadRequest
from engine.experiment import Context, Progress, Result, experiment
from engine.imagesets import Dataset
from engine.models import LoadedModel
from engine.on_images import OnImages
from engine.reports import report
from engine.spatial import images, last_tables
from engine.spatial.probes import Probes

BATCH_BYTES = 256 << 20
LARGEST_BATCH = 64
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
    missing, skipped, best_position, held_out, chance (of one answer at random among all of the model's classes, as it
    answers among all of them), seconds, device. A model that does not answer in the data's
    classes has empty tables, and `missing` says why.
    """

    experiment = "spatial-last"
    version = 2

    images: int | None = Field(default=None, ge=1)

    def run(self, context: Context) -> Result:
        started = time.monotonic()
        model, dataset = catalog.load(self.model), open_dataset(self.data)
        try:
            found = measure(model, dataset, context, self.images)
        except BadRequest as error:  # no classifier, or other classes: a result that says so
            empty = {"accuracy": pd.DataFrame(columns=list(COLUMNS)), "attention": pd.DataFrame()}
            facts = {"images": 0, "missing": [str(error)], "skipped": [], "evaluations": {}, "chance": None}
            found = Result({}, {}, empty, facts)
        found.request = json.loads(self.canonical())
        found.facts |= {
            "seconds": time.monotonic() - started,
            "device": devices.describe(model.device)["name"],
            "precision": devices.describe(model.device)["precision"],
        }
        return found


def measure(model: LoadedModel, dataset: Dataset, context: Context, most: int | None = None) -> Result:
    """All of it in one pass over the images. Raises BadRequest where there is nothing to be right about."""
    labels, matching = images.labels_for(model, dataset)
    numbers = np.array([number for number in images.order(dataset) if number in labels])[:most]
    widest = max(site.grid.positions * site.units for site in model.sites.values())
    size = model.images_per_pass(max(1, min(LARGEST_BATCH, BATCH_BYTES // (widest * 4 * 8))))

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
        return last_tables.result_of(probes, done, outputs(model))

    found = devices.halve_on_oom(stream, size)
    found.facts["skipped"] = report(dataset, {}, matching.notes)
    if unknown := int((matching.to_model < 0).sum()):
        found.facts["missing"].append(
            f"{unknown:,} of the {len(matching.to_model):,} classes of “{dataset.name}” cannot be told among those of "
            f"{model.name}; their images are left out."
        )
    return found
