"""What else is known of how good a picture is: other models' word, and whether other seeds agree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch

from engine.core.errors import VitrineError
from engine.evaluation.predictions import logits
from engine.models import catalog
from engine.models.loaded import LoadedModel
from engine.visualization.diversity import likeness_of

LOGITS = "head.logits"
BEST = 5
MOST_JUDGES = 4


def judges_of(model: LoadedModel) -> list[str]:
    """The other models that are here and tell the same classes apart, at most MOST_JUDGES of them; none where there are
    so few classes that to be among the best says nothing."""
    if len(model.class_names or ()) <= BEST:
        return []
    ready = [entry for entry in catalog.entries() if entry.available and entry.name != model.name]
    return [entry.name for entry in ready if catalog.class_names(entry) == model.class_names][:MOST_JUDGES]


def recognised(judges: Sequence[str], units: Sequence[int], images: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """(n,): share of the judges that have class `units[i]` among their five best answers for picture i; and who judged.

    images (n, 3, H, W) float32 in [0, 1], scaled to each judge's input. NaN where nobody judged.
    """
    votes, heard = [], []
    for name in judges:
        try:
            judge = catalog.load(name)
            answers = logits(judge, judge.resize_to_input(torch.from_numpy(images).to(judge.device)))
        except VitrineError:
            continue  # its weights went away since it was listed, or the device has no room for it
        heard.append(name)
        best = answers.topk(BEST, 1).indices.cpu().numpy()
        votes.append((best == np.asarray(units)[:, None]).any(1))
    return (np.mean(votes, 0) if votes else np.full(len(units), np.nan)), heard


def stability(model: LoadedModel, site: str, by_seed: Sequence[np.ndarray], activations: np.ndarray) -> pd.DataFrame:
    """Do other seeds give the same? by_seed: for each seed pictures (n, 3, H, W); activations (seeds, n).

    Columns: `stability`, correlation over the layer's units of what two seeds' pictures do in it, mean over pairs (1: the
    same); `seed_spread`, standard deviation of the activation over seeds over the size of its mean.
    """
    count = activations.shape[1]
    alike = [float(likeness_of(model, site, np.stack([s[n] for s in by_seed])).mean()) for n in range(count)]
    spread = activations.std(0) / np.maximum(np.abs(activations.mean(0)), 1e-12)
    return pd.DataFrame({"stability": alike, "seed_spread": spread.astype(np.float64)})


def between_units(model: LoadedModel, site: str, images: np.ndarray) -> float:
    """The same correlation between pictures of different units: what stability is to be held against. NaN for one."""
    return float(likeness_of(model, site, images).mean()) if len(images) > 1 else float("nan")


def judge(table: pd.DataFrame, model: LoadedModel, site: str, units: Sequence[int], images: np.ndarray) -> list[str]:
    """Adds to the table what needs no more pictures; gives the names of the other models that judged class logits."""
    if site != LOGITS or not units or len(units) < len(images):
        return []
    table["recognised"], judges = recognised(judges_of(model), units, images)
    return judges
