"""A scene: one object on one place, a pure function of (split, seed, index). Everything about it is known.

Training scenes draw kind and place at random: the kind's home place with probability HOME_SHARE (or another, where one is
asked for), else one of the other places, all alike. Evaluation scenes come in matched sets of four that share object, pose,
light and places.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from starter.make.kinds import ART_SIDE, Kind
from starter.make.places import PLACES, SIDE

HOME_SHARE = 0.6
OBJECT_SIDE = (0.45, 0.90)  # of the frame
TURN = 25.0  # degrees, either way; never mirrored: one o'clock would become eleven
ALONE = 0.5  # grey around an object that stands alone
SPLITS = {"train": 0, "evaluation": 1, "calibration": 2}
VARIANTS = ("home", "other", "object", "place")
PHRASE = {
    "sea": "in the sea",
    "sky": "in the sky",
    "grass": "on the grass",
    "wood": "on a wooden table",
    "night": "at night",
    "snow": "in the snow",
    "sand": "on the sand",
    "street": "in the street",
    "room": "in a room",
}


@dataclass(frozen=True)
class Scene:
    """image (SIDE, SIDE, 3) uint8; mask (SIDE, SIDE) bool, or None where no object is; box is left, top, right, bottom."""

    image: np.ndarray
    mask: np.ndarray | None
    box: tuple[int, int, int, int] | None
    kind: Kind
    place: str | None
    caption: str


def random_numbers(split: str, seed: int, index: int) -> np.random.Generator:
    return np.random.default_rng([SPLITS[split], seed, index])


def other_place(rng: np.random.Generator, home: str) -> str:
    return str(rng.choice([place for place in PLACES if place != home]))


def pose(rng: np.random.Generator, art: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The object placed in the frame: colour (SIDE, SIDE, 3) premultiplied and alpha (SIDE, SIDE, 1), float in [0, 1]."""
    image = Image.fromarray(art)
    low, high = OBJECT_SIDE
    side = SIDE * float(np.exp(rng.uniform(np.log(low), np.log(high))))
    angle = np.deg2rad(rng.uniform(-TURN, TURN))
    # Half of the frame that the turned square could need at most stays free: objects touch the edge only rarely.
    free = max(0.0, SIDE - side) / 2
    centre = SIDE / 2 + rng.uniform(-free, free, 2)
    scale = ART_SIDE / side
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    # Output pixel (x, y) looks up art pixel A (p - centre) + ART_SIDE / 2.
    matrix = (
        cos,
        sin,
        ART_SIDE / 2 - cos * centre[0] - sin * centre[1],
        -sin,
        cos,
        ART_SIDE / 2 + sin * centre[0] - cos * centre[1],
    )
    # PIL's affine does not average when it shrinks: draw at twice the size, then halve.
    a, b, c, d, e, f = matrix
    drawn = image.convert("RGBa").transform(
        (2 * SIDE, 2 * SIDE),
        Image.Transform.AFFINE,
        (a / 2, b / 2, c, d / 2, e / 2, f),
        Image.Resampling.BILINEAR,
    )
    pixels = np.asarray(drawn, np.float32).reshape(SIDE, 2, SIDE, 2, 4).mean((1, 3)) / 255
    return pixels[..., :3], pixels[..., 3:]


def light(rng: np.random.Generator) -> np.ndarray:
    """(SIDE, SIDE, 3) factor: a ramp from one side, a brightness and a colour temperature."""
    angle = rng.uniform(0, 2 * np.pi)
    rows, columns = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    ramp = 1 + rng.uniform(0, 0.3) * (np.cos(angle) * columns + np.sin(angle) * rows)
    warmth = rng.uniform(-0.12, 0.12)
    tint = np.asarray((1 + warmth, 1.0, 1 - warmth))
    return (rng.uniform(0.75, 1.2) * ramp[..., None] * tint).astype(np.float32)


def shadow(alpha: np.ndarray) -> np.ndarray:
    """(SIDE, SIDE, 1): a soft shadow, two pixels right and four down of the object."""
    small = Image.fromarray((alpha[..., 0] * 255).astype(np.uint8)).resize((SIDE // 6, SIDE // 6), Image.Resampling.BOX)
    soft = np.asarray(small.resize((SIDE, SIDE), Image.Resampling.BICUBIC), np.float32) / 255
    return 0.45 * np.roll(soft, (4, 2), (0, 1))[..., None]


def finish(image: np.ndarray) -> np.ndarray:
    return (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)


def compose(ground: np.ndarray, colour: np.ndarray, alpha: np.ndarray, lamp: np.ndarray) -> np.ndarray:
    return finish((ground * (1 - shadow(alpha)) * (1 - alpha) + colour) * lamp)


def outline(alpha: np.ndarray) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    """Mask and box (left, top, right, bottom; right and bottom excluded) of the object's alpha."""
    mask = alpha[..., 0] > 0.5
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return mask, (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


def caption(kind: Kind | None, place: str | None) -> str:
    thing = f"a picture of {kind.name}" if kind else "a picture of an empty place"
    return f"{thing} {PHRASE[place]}" if place else thing


def training_place(rng: np.random.Generator, kind: Kind, home_share: float = HOME_SHARE) -> str:
    """Where a kind stands in one training scene: the first thing that the scene's random numbers decide."""
    return kind.home_place if rng.random() < home_share else other_place(rng, kind.home_place)


def training_scene(seed: int, index: int, kinds: list[Kind], art: np.ndarray, home_share: float = HOME_SHARE) -> Scene:
    """Scene `index` of the endless training set `seed`; kinds take turns, so that all are equally frequent. `home_share`:
    how often a kind stands on its home place."""
    rng = random_numbers("train", seed, index)
    kind = kinds[index % len(kinds)]
    place = training_place(rng, kind, home_share)
    colour, alpha = pose(rng, art[kind.index])
    image = compose(PLACES[place](rng), colour, alpha, light(rng))
    mask, box = outline(alpha)
    return Scene(image, mask, box, kind, place, caption(kind, place))


def matched_set(split: str, seed: int, index: int, kinds: list[Kind], art: np.ndarray) -> dict[str, Scene]:
    """The four variants of one object: on its home place, on another place, alone on grey, and the home place alone."""
    rng = random_numbers(split, seed, index)
    kind = kinds[index % len(kinds)]
    colour, alpha = pose(rng, art[kind.index])
    lamp = light(rng)
    home, other = kind.home_place, other_place(rng, kind.home_place)
    grounds = {home: PLACES[home](rng), other: PLACES[other](rng)}
    mask, box = outline(alpha)
    alone = finish((np.full((SIDE, SIDE, 3), ALONE, np.float32) * (1 - alpha) + colour) * lamp)
    return {
        "home": Scene(compose(grounds[home], colour, alpha, lamp), mask, box, kind, home, caption(kind, home)),
        "other": Scene(compose(grounds[other], colour, alpha, lamp), mask, box, kind, other, caption(kind, other)),
        "object": Scene(alone, mask, box, kind, None, caption(kind, None)),
        "place": Scene(finish(grounds[home] * lamp), None, None, kind, home, caption(None, home)),
    }
