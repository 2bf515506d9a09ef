"""Write training scenes to a folder once, so that training reads them at memory speed.

    python -m starter.make.training_set --art ART_FOLDER --out FOLDER --scenes 84900 [--home-share 0.6]

Resumable: what is finished stays. `images.npy` is (scenes, 96, 96, 3) uint8, scene i of seed 0; its kind is i modulo
the number of kinds. A home share has a folder of its own.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from starter.make.kinds import fetch, load_art, load_kinds
from starter.make.places import SIDE
from starter.make.scenes import HOME_SHARE, training_scene

CHUNK = 849


def write_chunk(art_folder: Path, path: Path, start: int, count: int, home_share: float) -> int:
    kinds = load_kinds(art_folder)
    art = load_art_once(art_folder)
    images = np.lib.format.open_memmap(path, mode="r+")
    for index in range(start, start + count):
        images[index] = training_scene(0, index, kinds, art, home_share).image
    images.flush()
    return start


_art: np.ndarray | None = None


def load_art_once(folder: Path) -> np.ndarray:
    global _art
    if _art is None:
        _art = load_art(folder, load_kinds(folder))
    return _art


def check_share(note: Path, home_share: float) -> None:
    """Note down the home share of a folder's scenes; leave where it holds scenes of another."""
    begun_before = HOME_SHARE if (note.parent / "finished.txt").exists() else home_share
    begun = float(note.read_text()) if note.exists() else begun_before
    if begun != home_share:
        raise SystemExit(
            f"{note.parent} holds scenes with a home share of {begun}. Give each share a folder of its own."
        )
    note.write_text(f"{home_share}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--art", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--scenes", type=int, default=84_900)
    parser.add_argument(
        "--home-share", type=float, default=HOME_SHARE, help="how often a kind stands on its home place"
    )
    parser.add_argument("--processes", type=int, default=2)
    args = parser.parse_args()
    fetch(args.art)
    args.out.mkdir(parents=True, exist_ok=True)
    check_share(args.out / "home-share.txt", args.home_share)
    path, ledger = args.out / "images.npy", args.out / "finished.txt"
    if not path.exists():
        np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(args.scenes, SIDE, SIDE, 3))
    total = len(np.load(path, mmap_mode="r"))
    finished = set(ledger.read_text().split()) if ledger.exists() else set()
    starts = [s for s in range(0, total, CHUNK) if str(s) not in finished]
    with ProcessPoolExecutor(args.processes) as pool, ledger.open("a") as log:
        jobs = [pool.submit(write_chunk, args.art, path, s, min(CHUNK, total - s), args.home_share) for s in starts]
        for done, job in enumerate(jobs, 1):
            log.write(f"{job.result()}\n")
            log.flush()
            print(f"\r{done}/{len(starts)} chunks", end="", flush=True)
    print()


if __name__ == "__main__":
    main()
