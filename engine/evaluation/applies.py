"""Whether an experiment applies to the model and the data set that a request names: what its decorator says it needs."""

from __future__ import annotations

from engine.core.choices import EMBEDDING
from engine.core.errors import BadRequest
from engine.core.experiments import Experiment, ModelNeed, find
from engine.core.request import Request
from engine.data.registry import open_dataset
from engine.models.catalog import sites_of

ROLES: dict[ModelNeed, str] = {"classes": "head.logits", "text": EMBEDDING, "attention": "attn."}
"""What the role of one of a model's sites begins with, where the model has what is needed."""


def check_applies(request: Request) -> None:
    """Raises BadRequest, with what is missing, where the experiment does not apply to what the request names; VitrineError
    where that is not here."""
    experiment, given = find(request.experiment), dict(request)
    if "data" in given and (lacking := lacking_of_data(experiment, given["data"])):
        raise BadRequest(f"“{given['data'][:80]}” has no {lacking[0]}, and {experiment.title} needs images with some.")
    # A text is read by the reader, where a request names one beside the model.
    for need in experiment.models:
        name = given.get("reader") if need == "text" and "reader" in given else given.get("model")
        if name and not any(site.role.startswith(ROLES[need]) for site in sites_of(name).values()):
            what = {"classes": "does not classify", "text": "reads no text", "attention": "has no attention"}[need]
            raise BadRequest(f"{name[:80]} {what}, so {experiment.title} does not apply to it. Choose another model.")


def lacking_of_data(experiment: Experiment, data: str) -> list[str]:
    """What the experiment needs to know of images, and a data set does not give. Raises VitrineError where it is not here."""
    return [need for need in experiment.data if need not in open_dataset(data).gives()]
