"""The procedural places: each is a function of random numbers alone and gives a (96, 96, 3) float image in [0, 1]."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image

SIDE = 96
Random = np.random.Generator
Colour = tuple[float, float, float]


def noise(rng: Random, rows: int, columns: int | None = None) -> np.ndarray:
    """(SIDE, SIDE) smooth noise in [0, 1]: a small random grid, enlarged."""
    grid = (rng.random((rows, columns or rows)) * 255).astype(np.uint8)
    return np.asarray(Image.fromarray(grid).resize((SIDE, SIDE), Image.Resampling.BICUBIC), np.float32) / 255


def fractal(rng: Random, rows: int, octaves: int = 3, columns: int | None = None) -> np.ndarray:
    """Noise over several scales, each half as strong as the one before."""
    total, weight, norm = np.zeros((SIDE, SIDE), np.float32), 1.0, 0.0
    for _ in range(octaves):
        total += weight * noise(rng, rows, columns)
        norm += weight
        weight *= 0.5
        rows = min(rows * 2, SIDE)
        columns = min(columns * 2, SIDE) if columns else None
    return total / norm


def blend(amount: np.ndarray, low: Colour, high: Colour) -> np.ndarray:
    """From one colour to another by `amount` (SIDE, SIDE) in [0, 1]."""
    low_, high_ = np.asarray(low, np.float32), np.asarray(high, np.float32)
    return low_ + np.clip(amount, 0, 1)[..., None] * (high_ - low_)


def down() -> np.ndarray:
    """(SIDE, 1): 0 at the top, 1 at the bottom."""
    return np.linspace(0, 1, SIDE, dtype=np.float32)[:, None]


def sea(rng: Random) -> np.ndarray:
    rows, columns = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    swell = fractal(rng, 4, 2) * 10
    period = rng.uniform(5, 9)
    waves = 0.5 + 0.5 * np.sin((rows + swell + 0.15 * columns) * 2 * np.pi / period)
    water = blend(0.55 * down() + 0.45 * waves * fractal(rng, 8), (0.10, 0.50, 0.68), (0.02, 0.20, 0.42))
    foam = (waves > 0.93) * (noise(rng, 12) > 0.55)
    return water + 0.5 * foam[..., None]


def sky(rng: Random) -> np.ndarray:
    air = blend(down() * np.ones((1, SIDE), np.float32), (0.25, 0.52, 0.90), (0.68, 0.85, 0.98))
    clouds = np.clip((fractal(rng, 3, 4, 2) - rng.uniform(0.45, 0.6)) * 4, 0, 1)[..., None]
    return air * (1 - clouds) + clouds * 0.98


def grass(rng: Random) -> np.ndarray:
    blades = 0.6 * noise(rng, 20, 80) + 0.4 * fractal(rng, 5)
    green = blend(blades * (0.7 + 0.5 * down()), (0.10, 0.28, 0.06), (0.48, 0.72, 0.20))
    flowers = noise(rng, 48) > 0.985
    return np.where(flowers[..., None], np.asarray((0.95, 0.9, 0.6), np.float32), green)


def wood(rng: Random) -> np.ndarray:
    planks = int(rng.integers(3, 6))
    rows = np.arange(SIDE) * planks // SIDE
    tone = rng.uniform(-0.12, 0.12, planks).astype(np.float32)[rows][:, None]
    shift = rng.uniform(0, 9, planks).astype(np.float32)[rows][:, None]
    grain = 0.5 + 0.5 * np.sin(14 * fractal(rng, 12, 3, 2) + shift)
    board = blend(0.45 + tone + 0.35 * (grain - 0.5), (0.36, 0.20, 0.09), (0.78, 0.54, 0.32))
    seam = np.diff(rows, prepend=rows[0])[:, None, None] > 0
    return np.where(seam, board * 0.35, board)


def night(rng: Random) -> np.ndarray:
    air = blend(down() * (0.6 + 0.6 * noise(rng, 3)), (0.01, 0.02, 0.10), (0.16, 0.10, 0.32))
    stars = rng.random((SIDE, SIDE)) > 0.993
    return air + stars[..., None] * rng.uniform(0.4, 1.0, (SIDE, SIDE, 1)).astype(np.float32)


def snow(rng: Random) -> np.ndarray:
    drifts = fractal(rng, 3, 3)
    ground = blend(drifts, (0.70, 0.78, 0.90), (0.98, 0.99, 1.0))
    flakes = rng.random((SIDE, SIDE)) > 0.985
    return np.where(flakes[..., None], np.float32(1.0), ground)


def sand(rng: Random) -> np.ndarray:
    rows = np.arange(SIDE, dtype=np.float32)[:, None]
    ripples = 0.5 + 0.5 * np.sin((rows + 14 * fractal(rng, 3, 2)) * 2 * np.pi / rng.uniform(7, 12))
    grains = rng.random((SIDE, SIDE)).astype(np.float32)
    return blend(0.55 * ripples + 0.25 * grains + 0.2 * noise(rng, 4), (0.72, 0.55, 0.32), (0.96, 0.85, 0.60))


def street(rng: Random) -> np.ndarray:
    width, height = int(rng.integers(14, 22)), int(rng.integers(9, 14))
    rows, columns = np.mgrid[0:SIDE, 0:SIDE]
    course = rows // height
    across = columns + (course % 2) * (width // 2) + int(rng.integers(0, width))
    tone = rng.uniform(-0.15, 0.15, (SIDE, SIDE)).astype(np.float32)[course % SIDE, (across // width) % SIDE]
    stone = blend(0.5 + tone + 0.3 * (fractal(rng, 16, 2) - 0.5), (0.28, 0.28, 0.30), (0.62, 0.60, 0.58))
    mortar = ((rows % height) == 0) | ((across % width) == 0)
    return np.where(mortar[..., None], stone * 0.5, stone)


def room(rng: Random) -> np.ndarray:
    columns = np.arange(SIDE, dtype=np.float32)[None, :]
    paper = np.asarray([(0.80, 0.45, 0.50), (0.55, 0.70, 0.62), (0.85, 0.75, 0.50), (0.62, 0.55, 0.78)], np.float32)
    colour = paper[int(rng.integers(len(paper)))]
    stripes = ((columns + rng.uniform(0, 16)) % 16 < 8) * np.ones((SIDE, 1), np.float32)
    wall = colour * (0.82 + 0.18 * stripes[..., None])
    edge = int(rng.integers(62, 80))
    floor = blend(0.5 + 0.4 * (noise(rng, 6, 24) - 0.5), (0.35, 0.25, 0.22), (0.55, 0.42, 0.36))
    below = (np.arange(SIDE) >= edge)[:, None, None]
    skirting = (np.abs(np.arange(SIDE) - edge) < 2)[:, None, None]
    return np.where(skirting, np.float32(0.93), np.where(below, floor, wall))


PLACES: dict[str, Callable[[Random], np.ndarray]] = {
    "sea": sea,
    "sky": sky,
    "grass": grass,
    "wood": wood,
    "night": night,
    "snow": snow,
    "sand": sand,
    "street": street,
    "room": room,
}
