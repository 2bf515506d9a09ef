"""Results on the units of a layer, made by hand: names, an index, purity, a search."""

from __future__ import annotations

import numpy as np
import pandas as pd

from engine.core.request import Result

MODEL, READER = "starter-vit", "local/clip"
WORDS = ["guitar", "apple", "sea", "night"]
UNITS, IMAGES = 768, 60


def naming(site: str = "blocks.6.mlp.hidden") -> Result:
    """Unit 0 is a guitar, unit 1 an apple and so on; every fourth unit (3, 7, ...) has no word; 100 fits its word best."""
    numbers = np.stack([(np.arange(UNITS) + step) % len(WORDS) for step in range(3)], axis=1).astype(np.int32)
    scores = np.tile(np.array([0.5, 0.4, 0.3], np.float32), (UNITS, 1))
    scores[100] += 1
    tested = {"held_out": 0.8, "low": 0.7, "high": 0.88, "p": 0.001, "p_directions": 0.001, "p_shuffled": 0.2}
    arrays = {"words": numbers, "scores": scores, "abstained": np.arange(UNITS) % 4 == 3}
    arrays |= {name: np.full(UNITS, value, np.float32) for name, value in tested.items()}
    facts = {
        "words": WORDS,
        "images": IMAGES,
        "kinds": 15,
        "twin": None,
        "level": 0.05,
        "largest_p": 0.01,
        "smallest": 0.83,
        "fewest": 16,
    }
    facts |= {
        "passing": {"directions": 0.75, "shuffled": 0.9},
        "rates": {"directions": 0.04, "shuffled": 0.0},
        "named": 0.75,
    }
    return Result({"model": MODEL, "site": site, "data": "starter"}, arrays, {}, facts)


def index() -> Result:
    top = np.tile(np.arange(20, dtype=np.int32), (UNITS, 1))
    arrays = {
        "images": np.arange(IMAGES, dtype=np.int32),
        "position_mean": np.random.default_rng(0).normal(size=(IMAGES, UNITS)).astype(np.float32),
        "selectivity": np.arange(UNITS, dtype=np.float32),
        "top_mean": top,
        "top_mean_values": np.ones((UNITS, 20), np.float32),
        "top_mean_maps": np.zeros((UNITS, 20, 12, 12), np.float16),
    }
    return Result({"model": MODEL, "site": "blocks.6.mlp.hidden"}, arrays, {}, {"images": IMAGES})


def purity() -> Result:
    """Units 5 and 6 follow music, 6 the more purely; unit 7 comes close."""
    units = pd.DataFrame({"site": "blocks.6.mlp.hidden", "unit": np.arange(UNITS), "tag": "sea", "auroc": 0.5})
    units["concept"], units["beyond_likeness"], units["score"] = False, False, 0.0
    units.loc[[5, 6, 7], "tag"] = "music"
    units.loc[[5, 6, 7], "auroc"] = [0.8, 0.9, 0.7]
    units.loc[[5, 6], ["concept", "beyond_likeness", "score"]] = [[True, True, 4.0], [True, True, 3.0]]
    return Result({"model": MODEL}, {}, {"units": units}, {})


def found(above_chance: bool = True) -> Result:
    units = pd.DataFrame(
        {
            "address": [f"{MODEL}@blocks.6.mlp.hidden:{unit}" for unit in (4, 8)], "site": "blocks.6.mlp.hidden",
            "unit": [4, 8], "score": [0.61, 0.5], "z": [20.0, 16.0], "rank": [1, 2],
            "words_above": [0, 3],
        }
    )  # fmt: skip
    words = {
        "words": np.array([[0, 1], [1, 2]], np.int32),
        "word_scores": np.array([[0.5, 0.4], [0.6, 0.3]], np.float32),
        "strongest": np.tile(np.arange(20, dtype=np.int32), (2, 1)),
        "images": np.arange(400, dtype=np.int32),
    }
    facts = {
        "text": "music", "words": WORDS, "found": above_chance, "best": 0.61, "own": 1, "above": 2648,
        "chance": 0.07, "among_words": 0.9, "searched": 6144,
        "sentence": "A sentence by the engine.",
        "sparse": {"site": "blocks.6.mlp.hidden", "target": "(4+0.5*8)", "correlation": 0.7, "held_out": 0.6},
    }  # fmt: skip
    return Result({}, words, {"units": units}, facts)
