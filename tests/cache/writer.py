"""A process that writes results in a loop (run by test_survival): one line on stdout for each one that is finished.

Arguments: folder, name of this writer, how many results (0: until killed).
"""

from __future__ import annotations

import itertools
import sys
import zlib

import numpy as np

from cache.blob import Blob
from cache.store import ResultStore


def blob_of(key: str) -> Blob:
    """The blob that belongs to a key: sizes on both sides of what fits in a database row."""
    seed = zlib.crc32(key.encode())
    values = np.random.default_rng(seed).integers(0, 256, 500 + seed % 200_000, np.uint8)
    return Blob({"x": values}, {}, {"request": {"key": key}, "facts": {}})


def main(folder: str, name: str, count: str) -> None:
    store = ResultStore(folder)
    for number in itertools.islice(itertools.count(), int(count) or None):
        key = f"{name}-{number}"
        store.put(key, blob_of(key))
        print(key, flush=True)
    print("problems:", *store.problems(), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
