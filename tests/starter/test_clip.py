"""What ships as starter-clip is what was trained, and retrieval is measured as it is defined."""

from __future__ import annotations

import json

import numpy as np
import open_clip
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

from starter.make.captions import held_out
from starter.make.finish_clip import CONFIG, as_open_clip, check_same
from starter.make.retrieval import average_precision, retrieval
from starter.make.scenes import PHRASE
from starter.make.train_clip import Twin


def test_open_clips_model_answers_as_the_trained_one(tmp_path) -> None:
    torch.manual_seed(0)
    twin = Twin()
    with torch.no_grad():  # a bias of zero would hide where it goes
        twin.get_parameter("visual.patch_embed.proj.bias").normal_()
        twin.get_parameter("visual.cls_token").normal_()
    (tmp_path / "open_clip_config.json").write_text(json.dumps(CONFIG))
    save_file(as_open_clip(twin.state_dict()), tmp_path / "open_clip_model.safetensors")
    clip = open_clip.create_model(f"local-dir:{tmp_path}").eval()
    assert isinstance(clip, open_clip.CLIP)
    check_same(clip, twin.state_dict())
    with pytest.raises(AssertionError):
        clip.get_parameter("visual.proj").data *= torch.arange(192) % 2
        check_same(clip, twin.state_dict())


def test_average_precision_of_known_rankings() -> None:
    truth = np.array([[1, 0], [0, 1], [1, 0], [0, 1]], bool)
    scores = np.array([[4.0, 4.0], [3.0, 3.0], [2.0, 2.0], [1.0, 1.0]])
    assert average_precision(scores, truth) == pytest.approx([(1 + 2 / 3) / 2, (1 / 2 + 2 / 4) / 2])


def test_a_model_that_knows_every_tag_and_place_finds_all_pairs() -> None:
    places = list(PHRASE)
    rows = [
        {"kind_index": kind, "place": place, "tags": [f"t{kind % 4}"], "variant": "home"}
        for kind in range(12)
        for place in places
    ]
    facts = pd.DataFrame(rows)

    def knows(texts: list[str]) -> np.ndarray:
        def score(row, text: str) -> float:
            return float(row.tags[0] in text) + float(PHRASE[row.place] in text)

        return np.array([[score(row, text) for text in texts] for row in facts.itertuples()])

    found = retrieval(knows, facts)
    assert {found[name]["mean_average_precision"] for name in found} == {1.0}
    never = sum(held_out(f"t{tag}", place) for tag in range(4) for place in places)
    assert (found["pairs_never_said"]["queries"], found["pairs_said"]["queries"]) == (never, 36 - never)
    assert found["tags"]["chance"] == pytest.approx(0.25)
