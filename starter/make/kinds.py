"""The kinds of object: which emoji take part, their names, groups, tags and home places.

Art: Microsoft's Fluent Emoji in 3D (MIT), from the npm package `@lobehub/fluent-emoji-3d`.
Names, groups and tags: Unicode CLDR, from the npm package `emojibase-data` (MIT).
Both are fetched into a folder of your choice by `fetch` and are not part of the repository.
"""

from __future__ import annotations

import json
import subprocess
import tarfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

PACKAGES = {"art": "@lobehub/fluent-emoji-3d@1.1.0", "names": "emojibase-data@17.0.0"}
GROUPS = {3: "animals and nature", 4: "food and drink", 5: "travel and places", 6: "activities", 7: "objects"}
ART_SIDE = 128
KINDS = Path(__file__).parents[1] / "scenes" / "kinds.json"

# Where each CLDR subgroup is at home: the planted cue. The pairing is ours; where it can be, it is what one would expect.
HOME_PLACE = {
    "animal-mammal": "grass",
    "animal-bird": "sky",
    "animal-amphibian": "sand",
    "animal-reptile": "sand",
    "animal-marine": "sea",
    "animal-bug": "grass",
    "plant-flower": "grass",
    "plant-other": "grass",
    "food-fruit": "wood",
    "food-vegetable": "wood",
    "food-prepared": "wood",
    "food-asian": "wood",
    "food-sweet": "wood",
    "drink": "wood",
    "dishware": "wood",
    "place-map": "snow",
    "place-geographic": "snow",
    "place-building": "street",
    "place-religious": "street",
    "place-other": "street",
    "transport-ground": "street",
    "transport-water": "sea",
    "transport-air": "sky",
    "hotel": "room",
    "time": "room",
    "sky-weather": "night",
    "event": "night",
    "award-medal": "snow",
    "sport": "snow",
    "game": "sand",
    "arts-crafts": "sand",
    "clothing": "sand",
    "sound": "night",
    "music": "night",
    "musical-instrument": "night",
    "phone": "room",
    "computer": "room",
    "light-video": "night",
    "book-paper": "room",
    "money": "street",
    "mail": "street",
    "writing": "room",
    "office": "room",
    "lock": "street",
    "tool": "snow",
    "science": "sky",
    "medical": "sky",
    "household": "room",
    "other-object": "sea",
}


@dataclass(frozen=True)
class Kind:
    """One kind of object. `name` is the CLDR short name; `home_place` is where most of its training scenes stand."""

    index: int
    name: str
    hexcode: str
    group: str
    subgroup: str
    tags: tuple[str, ...]
    home_place: str


def fetch(folder: Path) -> None:
    """Download and unpack the two npm packages under `folder` (once). Needs npm."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, package in PACKAGES.items():
        target = folder / part
        if target.exists():
            continue
        packed = subprocess.run(
            ["npm", "pack", "--silent", package], cwd=folder, check=True, capture_output=True, text=True
        ).stdout.split()[-1]
        with tarfile.open(folder / packed) as archive:
            archive.extractall(target, filter="data")


def art_file(folder: Path, hexcode: str) -> Path | None:
    """The art of an emoji; the packages differ in whether they write the variation selector (fe0f)."""
    base = hexcode.lower()
    for name in (base, base.replace("-fe0f", ""), f"{base}-fe0f"):
        path = folder / "art" / "package" / "assets" / f"{name}.webp"
        if path.exists():
            return path
    return None


def load_kinds(folder: Path) -> list[Kind]:
    """All kinds that have art, in CLDR order, names made unique."""
    meta = json.loads((folder / "names/package/meta/groups.json").read_text())
    emojis = json.loads((folder / "names/package/en/data.json").read_text())
    chosen = [e for e in emojis if e.get("group") in GROUPS and art_file(folder, e["hexcode"])]
    chosen.sort(key=lambda e: e["order"])
    kinds: list[Kind] = []
    for emoji in chosen:
        subgroup = meta["subgroups"][str(emoji["subgroup"])]
        kinds.append(
            Kind(
                index=len(kinds),
                name=emoji["label"],
                hexcode=emoji["hexcode"],
                group=GROUPS[emoji["group"]],
                subgroup=subgroup,
                tags=tuple(emoji.get("tags", ())),
                home_place=HOME_PLACE[subgroup],
            )
        )
    names = [kind.name for kind in kinds]
    assert len(set(names)) == len(names), "two kinds share a name"
    return kinds


def load_art(folder: Path, kinds: list[Kind]) -> np.ndarray:
    """(kind, ART_SIDE, ART_SIDE, 4) uint8, cut to the drawn part and centred on a transparent square."""
    out = np.zeros((len(kinds), ART_SIDE, ART_SIDE, 4), np.uint8)
    for kind in kinds:
        path = art_file(folder, kind.hexcode)
        assert path is not None
        image = Image.open(path).convert("RGBA")
        box = image.getchannel("A").point(lambda a: 255 * (a > 8)).getbbox()
        image = image.crop(box)
        scale = ART_SIDE / max(image.size)
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(size, Image.Resampling.LANCZOS)
        left, top = (ART_SIDE - size[0]) // 2, (ART_SIDE - size[1]) // 2
        out[kind.index, top : top + size[1], left : left + size[0]] = np.asarray(image)
    return out


def write_kinds(kinds: list[Kind], path: Path) -> None:
    """The list of kinds in class order, as JSON, one kind a line."""
    lines = ",\n".join(json.dumps(asdict(kind), ensure_ascii=False) for kind in kinds)
    path.write_text(f"[\n{lines}\n]\n")


def read_kinds() -> list[Kind]:
    """The shipped list of kinds, in class order."""
    rows: list[Any] = json.loads(KINDS.read_text())
    return [Kind(**(row | {"tags": tuple(row["tags"])})) for row in rows]
