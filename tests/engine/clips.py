"""Small two-tower models of random weights, in a folder where the catalog finds them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from safetensors.torch import save_file

from engine.core.request import Request, Result
from tests.engine.contexts import Notebook
from tests.engine.world import png, scene, write

HALF = {"mean": [0.5] * 3, "std": [0.5] * 3}
TEXT = {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1}
TINY: dict[str, Any] = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 32, "head_width": 16, "patch_size": 8},
    "text_cfg": TEXT,
}
# The sums of the towers above, one after the other: rows of patches or tokens, projections, attention, the hidden layer, norms.
TEXT_SUMS = (16, 16, 16, 16, 16, 16, 64, 16, 16, 24)
IMAGE_SUMS = (3 * 8 * 8, *(32, 32, 16, 17, 32, 32, 32, 128) * 2, 32, 32, 24)
SIGLIP = TINY | {"custom_text": True, "init_logit_scale": 2.3, "init_logit_bias": -1.5}


def add_clip(folder: Path, name: str, model: Mapping[str, Any], text: str | None = None, **card: Any) -> Path:
    """Put `local/NAME` into the folder, with random weights that fit `model`; `text`: what its config says instead."""
    torch.manual_seed(0)
    settings = dict(model)
    kind = open_clip.CustomTextCLIP if settings.pop("custom_text", False) else open_clip.CLIP
    save_file(kind(**settings).half().state_dict(), folder / f"{name}.safetensors")
    whole = json.dumps({"model_cfg": model, "preprocess_cfg": HALF}) if text is None else text
    path = write(folder / f"{name}.json", whole)
    facts = {"name": name, "architecture": f"open_clip/{name}", "weights": f"{name}.safetensors", "config": path.name}
    lines = [f"{key} = {json.dumps(value)}" for key, value in (facts | card).items()]
    with (folder / "models.toml").open("a") as file:
        file.write("\n".join(["[[model]]", *lines, ""]))
    return path


def settle(home: Path) -> None:
    """A person's folder: models.toml with `local/clip`, and the data set `squares`, 40 scenes of 32 x 32 pixels."""
    write(home / "vitrine.toml", 'models_toml = "models.toml"\n[data_folders]\nsquares = "squares"\n')
    for number in range(40):
        write(home / "squares" / f"{number:02}.png", png(scene(number) + np.uint8(number)))
    add_clip(home, "clip", TINY)


class Desk(Notebook):
    """A context that computes what a request builds on, each once."""

    def compute(self, request: Request) -> Result:
        if request.key() not in self.kept:
            self.kept[request.key()] = request.run(self)
        return self.kept[request.key()]

    def keep(self, request: Request, result: Result, spare: bool = False) -> bool:
        self.kept[request.key()] = result
        return True
