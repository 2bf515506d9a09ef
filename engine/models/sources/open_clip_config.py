"""A two-tower model described by a file of one's own, in the format of open_clip's model folders (open_clip_config.json).

Invariant: what leaves here was checked whole and names nothing that open_clip would fetch or read elsewhere: no tower of
the hub, no path, no switch that lets other people's code run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import timm
from open_clip.transform import PreprocessCfg

from engine.core.errors import BadRequest

MAX_BYTES = 256 << 10
MAX_LAYERS, MAX_NUMBER = 256, 1 << 20
TOKENIZER_SWITCHES = {"clean", "strip_sep_token", "reduction_mask"}
# AutoTokenizer takes paths and addresses too; only the name of a repository may pass.
_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(?:/[A-Za-z0-9][\w.-]{0,95})?")


def read_config(path: Path) -> dict[str, Any]:
    """The file's object, checked: `model_cfg` (what open_clip builds from) and perhaps `preprocess_cfg`.

    Raises BadRequest in one sentence for a file that cannot be read, is too large or no such object, and for one that
    names something to fetch.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadRequest(f"The config {path} cannot be read: {error.strerror}.") from None
    if len(data) > MAX_BYTES:
        raise BadRequest(f"The config {path} is larger than {MAX_BYTES >> 10} KB, so it is no open_clip_config.json.")
    try:
        found = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise BadRequest(f"The config {path} is not JSON. Give an open_clip_config.json.") from None
    if not isinstance(found, dict) or not isinstance(found.get("model_cfg"), dict):
        raise BadRequest(f"The config {path} has no object “model_cfg”. Give an open_clip_config.json.")
    try:
        _check(found["model_cfg"])
        preprocess = found.get("preprocess_cfg", {})
        if not isinstance(preprocess, dict):
            raise BadRequest("preprocess_cfg is not an object")
    except BadRequest as error:
        raise BadRequest(f"The config {path} cannot be used: {error}.") from None
    return {"model_cfg": found["model_cfg"], "preprocess_cfg": preprocess}


def image_size(config: Mapping[str, Any]) -> list[int]:
    """[height, width] of the images that the model takes."""
    size = config["model_cfg"]["vision_cfg"].get("image_size", 224)
    return [size, size] if isinstance(size, int) else list(size)


def preprocessing(config: Mapping[str, Any]) -> dict[str, Any]:
    """`mean` and `std` as the file says, else open_clip's own."""
    plain = PreprocessCfg()
    return {"mean": plain.mean, "std": plain.std} | {
        key: value for key, value in config["preprocess_cfg"].items() if key in ("mean", "std")
    }


def _check(model: Mapping[str, Any]) -> None:
    for tower in ("vision_cfg", "text_cfg"):
        if not isinstance(model.get(tower), dict):
            raise BadRequest(f"model_cfg has no object “{tower}”")
    if "multimodal_cfg" in model:
        raise BadRequest("multimodal_cfg describes a model that writes captions, and only pairs of two towers work")
    vision, text = model["vision_cfg"], model["text_cfg"]
    for name, number in _numbers(model):
        most = MAX_LAYERS if name == "layers" else MAX_NUMBER
        if not abs(number) <= most:
            raise BadRequest(f"{name} is {number}, more than {most}")
    if not isinstance(model.get("embed_dim"), int) or model["embed_dim"] < 1:
        raise BadRequest("embed_dim is not a number of dimensions")
    if not _is_size(vision.get("image_size", 224)):
        raise BadRequest("image_size is not a number of pixels")
    if text.get("hf_model_name") is not None:
        raise BadRequest(
            "hf_model_name is a text tower that would be fetched from the hub, and only open_clip's own work"
        )
    if (name := vision.get("timm_model_name")) is not None and not (isinstance(name, str) and timm.is_model(name)):
        raise BadRequest(f"timm has no architecture “{str(name)[:80]}”")
    _check_tokenizer(text)


def _check_tokenizer(text: Mapping[str, Any]) -> None:
    name = text.get("hf_tokenizer_name")
    if name and not (isinstance(name, str) and _REPOSITORY.fullmatch(name)):
        raise BadRequest(f"hf_tokenizer_name is “{str(name)[:80]}”, which is no name of a repository")
    switches = text.get("tokenizer_kwargs") or {}
    if not isinstance(switches, dict):
        raise BadRequest("tokenizer_kwargs is not an object")
    for key, value in switches.items():
        if key not in TOKENIZER_SWITCHES or not isinstance(value, str | bool):
            known = ", ".join(sorted(TOKENIZER_SWITCHES))
            raise BadRequest(f"tokenizer_kwargs may not set {key[:40]}, only {known}")


def _numbers(values: Any, name: str = "") -> Iterator[tuple[str, float]]:
    """Every number in it, with the name that it stands under."""
    if isinstance(values, dict):
        for key, value in values.items():
            yield from _numbers(value, key)
    elif isinstance(values, list):
        for value in values:
            yield from _numbers(value, name)
    elif isinstance(values, int | float):
        yield name, values


def _is_size(size: Any) -> bool:
    sides = [size, size] if isinstance(size, int) else size
    return isinstance(sides, list) and len(sides) == 2 and all(isinstance(side, int) and side > 0 for side in sides)
