"""Models described by a card and a weights file: the starter models, and a person's own (models.toml or a folder).

Invariant: a card that cannot be used never hides the others; it becomes an unavailable entry whose note says why.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from torch import Tensor

from engine.core import paths
from engine.core.choices import STARTER as STARTER_DATA
from engine.core.choices import STARTER_MODELS
from engine.core.config import settings
from engine.core.errors import BadRequest
from engine.core.paths import typed_path
from engine.core.request import once
from engine.models.checkpoints import sets_of_weights
from engine.models.loaded import Entry
from engine.models.source import Built, Source, fingerprint_of
from engine.models.sources import architectures
from engine.models.sources.open_clip_config import image_size, preprocessing, read_config
from engine.models.sources.open_clip_hub import PREFIX, SWITCHES

STARTER = paths.STARTER / "models"
SUFFIXES = (".safetensors", ".pth", ".pt", ".bin")
# A name becomes part of addresses (model@site:units) and of links.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
KNOWN = {
    *("name", "architecture", "kwargs", "weights", "input_size", "mean", "std", "classes", "classes_file"),
    *("num_classes", "top1", "top1_interval", "licence", "note", "config", "part"),
}
# Arguments of timm.create_model that would read weights past engine.models.checkpoints, or make something else of the model.
OTHER_DOORS = {
    "pretrained",
    "pretrained_cfg",
    "pretrained_cfg_overlay",
    "checkpoint_path",
    "cache_dir",
    "features_only",
}
# What reading a card may raise: besides what is said of it, whatever conversions and paths raise on wrong values.
_BAD_CARD = (BadRequest, ValueError, TypeError, OverflowError, RuntimeError, OSError)


class Starter(Source):
    """The models that ship with Vitrine."""

    name, title, doctor, suits = "starter", "Starter", "try", STARTER_DATA

    def entries(self) -> list[Entry]:
        """All of them; those whose files are missing are listed as unavailable."""
        more = sorted(path.stem for path in STARTER.glob("*.json") if path.stem not in STARTER_MODELS)
        return [_starter(name) for name in (*STARTER_MODELS, *more)]

    def find(self, name: str) -> Entry | None:
        """The model of this name; the others' cards are not read."""
        known = name in STARTER_MODELS or (_NAME.fullmatch(name) and (STARTER / f"{name}.json").is_file())
        return _starter(name) if known else None

    def build(self, entry: Entry, state: Mapping[str, Tensor]) -> Built:
        """The model of its card's architecture."""
        return architectures.build(entry, state)

    def fingerprint(self, entry: Entry) -> str:
        """Without the names of the classes: the starter's never change."""
        return fingerprint_of(entry, self.fetch(entry)[1])


class Local(Source):
    """A person's own models: each [[model]] of models.toml, and each folder NAME/model.toml in `models` beside it."""

    name, title, prefix = "local", "Your own", "local/"

    def entries(self) -> list[Entry]:
        """All of them; a card that cannot be used is an unavailable entry."""
        file = settings().models_toml
        return [*_from_file(file), *_from_folders(file.parent / "models")]

    def build(self, entry: Entry, state: Mapping[str, Tensor]) -> Built:
        """The model of its card's architecture."""
        return architectures.build(entry, state)


def read_card(card: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """A card's values as fields of an Entry; files are named relative to `folder`.

    Raises BadRequest that names the first value that does not fit.
    """
    architecture = card.get("architecture")
    if not isinstance(architecture, str) or not architecture:
        raise BadRequest("architecture is missing: write the name of a timm model, like vit_small_patch16_224.")
    config = _config(card, folder, architecture)
    card, reading = _completed(card, architecture, config)
    names = _class_names(card, folder)
    count = card.get("num_classes", len(names) if names else None)
    if count is not None and (not isinstance(count, int) or isinstance(count, bool) or count < 0):
        raise BadRequest(f"num_classes is “{count}”, which is not a number of classes.")
    if names and count != len(names) and not by_sign(count, names):
        raise BadRequest(f"num_classes is {count}, but there are {len(names)} class names. Make them agree.")
    kwargs = card.get("kwargs") or {}
    if not isinstance(kwargs, Mapping):
        raise BadRequest("kwargs is not a table of arguments, like kwargs = { img_size = 96 }.")
    doors = set(kwargs) - SWITCHES if architecture.startswith(PREFIX) else OTHER_DOORS & set(kwargs)
    if other := sorted(doors):
        raise BadRequest(f"kwargs cannot hold {other[0]}: weights come from the card's own file only.")
    fields: dict[str, Any] = {
        "architecture": architecture,
        "input_size": _input_size(card["input_size"]),
        "mean": _triple(card, "mean"),
        "std": _triple(card, "std"),
        "reading": reading,
        "config": config,
        "classes": count,
        "class_names": names,
        "kwargs": dict(kwargs),
        "licence": str(card.get("licence", "")),
        "note": str(card.get("note", "")),
    }
    if isinstance(top1 := card.get("top1"), (int, float)):
        fields["top1"] = float(top1)
    if isinstance(interval := card.get("top1_interval"), (list, tuple)) and len(interval) == 2:
        if not all(isinstance(end, (int, float)) for end in interval):
            raise BadRequest(f"top1_interval is “{interval}”. Write its two ends as shares, like [0.81, 0.85].")
        fields["top1_interval"] = (float(interval[0]), float(interval[1]))
    return fields


def by_sign(count: int | None, names: Sequence[str] | None) -> bool:
    """Whether a model with so many outputs and these names of classes tells two classes apart by its one output's sign."""
    return count == 1 and len(names or ()) == 2


def _completed(
    card: Mapping[str, Any], architecture: str, config: Mapping[str, Any] | None
) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """The card with input size, mean and standard deviation; and in a sentence, which of them it does not say itself."""
    if config is not None:  # a part of the model as much as its card is
        return {"input_size": image_size(config), **preprocessing(config), **card}, ()
    usual = architectures.preprocessing(architecture)
    kwargs = card.get("kwargs")
    side = kwargs.get("img_size", kwargs.get("force_image_size")) if isinstance(kwargs, Mapping) else None
    if side is not None:
        usual["input_size"] = side
    lacking = [
        name for name in ("input_size", "mean", "std") if name not in card and (name != "input_size" or side is None)
    ]
    said = [f"{name} {_short(usual[name])}" for name in lacking]
    told = f"Not in its card, so as usual for {architecture}: {', '.join(said)}."
    return {**usual, **card}, (told,) if lacking else ()


def _short(value: Any) -> str:
    return " ".join(f"{each:.4g}" for each in value) if isinstance(value, Sequence) else str(value)


def _starter(name: str) -> Entry:
    """The model's entry as the files are now: a page asks for it hundreds of times a run, so it is read once a change."""
    return _read_starter(name, STARTER, once(("starter's files", STARTER), _files))


def _files() -> tuple[tuple[str, int, int], ...]:
    try:
        return tuple(sorted((each.name, each.stat().st_mtime_ns, each.stat().st_size) for each in os.scandir(STARTER)))
    except OSError:
        return ()


@lru_cache(maxsize=64)
def _read_starter(name: str, folder: Path, _files: tuple[tuple[str, int, int], ...]) -> Entry:
    card, weights = folder / f"{name}.json", folder / f"{name}.safetensors"
    blank = Entry(name, Starter.name, "", weights.name, available=False, path=weights)
    if not card.is_file():
        return replace(blank, note=f"{card.name} is missing from starter/models. Check out the project again.")
    try:
        facts = json.loads(card.read_text(encoding="utf-8"))
        if not isinstance(facts, dict):
            raise BadRequest("it is not an object with the settings of a model.")
        weights = folder / str(facts.get("weights", weights.name))
        blank = replace(blank, weights=weights.name, path=weights)
        if not weights.is_file():
            return replace(blank, note=f"{weights.name} is missing from starter/models. Check out the project again.")
        return replace(blank, available=True, **read_card(facts, card.parent))
    except _BAD_CARD as error:
        return replace(blank, note=f"{card.name} cannot be used: {error}")


def _from_file(path: Path) -> Iterator[Entry]:
    if not path.is_file():
        return
    table = _toml(path)
    cards = table if isinstance(table, BadRequest) else table.get("model", [])
    if (
        isinstance(cards, BadRequest)
        or not isinstance(cards, list)
        or not all(isinstance(card, dict) for card in cards)
    ):
        reason = cards if isinstance(cards, BadRequest) else f"{path} should hold tables that begin with [[model]]."
        yield _unusable(path.name, path, str(reason))
        return
    for number, card in enumerate(cards, start=1):
        name = card.get("name")
        yield _local(name if isinstance(name, str) else f"model-{number}", card, path, card.get("weights"))


def _from_folders(folder: Path) -> Iterator[Entry]:
    for path in sorted(folder.glob("*/model.toml")) if folder.is_dir() else ():
        card = _toml(path)
        if isinstance(card, BadRequest):
            yield _unusable(path.parent.name, path, str(card))
            continue
        found = sorted(each.name for each in path.parent.iterdir() if each.suffix in SUFFIXES)
        weights = card.get("weights", found[0] if len(found) == 1 else None)
        yield _local(path.parent.name, card, path, weights)


def _local(name: str, card: Mapping[str, Any], path: Path, weights: Any) -> Entry:
    """One person's model from its card; `path` is the file that the card stands in."""
    if not _NAME.fullmatch(name):
        return _unusable("model", path, f"“{name[:40]}” cannot be a name: use letters, digits, and . _ + - only.")
    if unknown := sorted(set(card) - KNOWN):
        return _unusable(name, path, f"{unknown[0]} is not a setting of a model. Known are {', '.join(sorted(KNOWN))}.")
    if not isinstance(weights, str):
        return _unusable(name, path, "weights is missing: name the weights file.")
    try:
        file, fields = path.parent / typed_path(weights), read_card(card, path.parent)
        entry = Entry(
            f"{Local.prefix}{name}", Local.name, weights=str(file), available=file.is_file(), path=file, **fields
        )
        entry = _with_part(entry, card.get("part", ""), file)
    except _BAD_CARD as error:
        return _unusable(name, path, str(error))
    return entry if entry.available else replace(entry, note=f"There is no file {file}. Correct weights in {path}.")


def _with_part(entry: Entry, part: Any, file: Path) -> Entry:
    """Which of several sets of weights in the file is read. Raises BadRequest for one that is not there."""
    if not isinstance(part, str):
        raise BadRequest(f"part is “{part}”, which is not the name of weights in the file.")
    found = sets_of_weights(file)
    if part and found and part not in found:
        raise BadRequest(f"part is {part}, but the weights in {file.name} are called {', '.join(found)}.")
    if len(found) < 2:
        return replace(entry, part=part)
    read = part or found[0]
    others = [name for name in found if name != read]
    told = f"Of the weights in {file.name} ({', '.join(found)}) {read} is read. Choose with part = “{others[0]}” in the card."
    return replace(entry, part=part, reading=(*entry.reading, told))


def _unusable(name: str, path: Path, reason: str) -> Entry:
    return Entry(f"{Local.prefix}{name}", Local.name, "", str(path), available=False, note=f"{path}: {reason}")


def _toml(path: Path) -> dict[str, Any] | BadRequest:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, RecursionError, tomllib.TOMLDecodeError) as error:
        return BadRequest(f"it cannot be read as TOML ({error}).")


def _config(card: Mapping[str, Any], folder: Path, architecture: str) -> dict[str, Any] | None:
    """The file that describes an open_clip architecture, where the card names one."""
    given = card.get("config")
    if given is None:
        return None
    if not isinstance(given, str):
        raise BadRequest("config is not the name of a file, like open_clip_config.json.")
    if not architecture.startswith(PREFIX):
        raise BadRequest(f"config describes a model of open_clip, so write architecture = “open_clip/{architecture}”.")
    if card.get("kwargs"):
        raise BadRequest("kwargs and config do not go together: write what kwargs says into the config file.")
    config = read_config(folder / typed_path(given))
    if "input_size" in card and _input_size(card["input_size"])[1:] != tuple(image_size(config)):
        height, width = image_size(config)
        raise BadRequest(f"input_size is not the config's image_size, {height} x {width}. Leave input_size out.")
    return config


def _class_names(card: Mapping[str, Any], folder: Path) -> tuple[str, ...] | None:
    """Class names in the order of the logits: a list, or a file (JSON list, or text with one name a line)."""
    given = card.get("classes", card.get("classes_file"))
    if given is None:
        return None
    if isinstance(given, str):
        given = _read_names(folder / typed_path(given))
    if not isinstance(given, list) or not given:
        raise BadRequest("classes is neither a list of names nor a file with one name a line.")
    return tuple(str(each["name"]) if isinstance(each, dict) and "name" in each else str(each) for each in given)


def _read_names(path: Path) -> Any:
    try:
        kept = path.stat()
        return _parsed(path, kept.st_mtime_ns, kept.st_size)
    except (OSError, ValueError) as error:
        raise BadRequest(f"The class names in {path} cannot be read ({error}).") from None


@lru_cache(maxsize=64)  # cards are read at every look at the catalog; their lists of names are long and seldom change
def _parsed(path: Path, _changed: int, _size: int) -> Any:
    text = path.read_text(encoding="utf-8-sig")  # with a byte-order mark, as some editors write
    return json.loads(text) if path.suffix == ".json" else [line for line in text.splitlines() if line.strip()]


def _input_size(given: Any) -> tuple[int, int, int]:
    sizes = [given, given] if isinstance(given, int) else given
    sizes = [3, *sizes] if isinstance(sizes, (list, tuple)) and len(sizes) == 2 else sizes
    good = isinstance(sizes, (list, tuple)) and len(sizes) == 3 and all(isinstance(size, int) for size in sizes)
    if not good or sizes[0] != 3 or not all(8 <= size <= 2048 for size in sizes[1:]):
        raise BadRequest(f"input_size is “{given}”. Write pixels, like 224 or [3, 224, 224]; only RGB models work.")
    return (sizes[0], sizes[1], sizes[2])


def _triple(card: Mapping[str, Any], key: str) -> tuple[float, ...]:
    given = card[key]
    given = [given] * 3 if isinstance(given, (int, float)) else given
    good = isinstance(given, (list, tuple)) and len(given) == 3
    good = good and all(isinstance(each, (int, float)) and 0 <= each <= 1 for each in given)
    if not good or (key == "std" and min(given) <= 0):
        raise BadRequest(
            f"{key} is “{card.get(key)}”. Write one number for each of red, green and blue, for pixels from 0 to 1 (of one for "
            "pixels up to 255, its 255th part)."
        )
    return tuple(float(each) for each in given)
