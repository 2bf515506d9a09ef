"""Seconds to name all units of a site with 3,000 words: from nothing, with the indexes there, and by a plain loop over units.

    python -m bench.naming [--model starter-vit] [--site blocks.6.mlp.hidden] [--reader starter-clip] [--rounds 3]

One run, one machine, an empty cache folder of its own. The plain loop is soft-WPMI written down unit by unit, without the
thousand shuffled units that the engine matches too, to know when to give no name; the words that both find must agree.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile

import numpy as np

from bench.common import seconds

WORDS = 3000


def plainly(activations: np.ndarray, images: np.ndarray, words: np.ndarray, sharpness: float) -> np.ndarray:
    """Soft-WPMI (U, W) with a loop over units."""
    logits = sharpness * (images @ words.T)
    says = np.exp(logits - logits.max(axis=1, keepdims=True))
    says /= says.sum(axis=1, keepdims=True)
    count = min(100, len(images) // 10)
    belongs = np.linspace(0.998, 0.97, count, endpoint=False, dtype=np.float32)[:, None]
    rows = []
    for unit in activations.T:
        strongest = np.argsort(-unit, kind="stable")[:count]
        rows.append(np.log(1 + belongs * (says[strongest] - 1) + np.float32(1e-7)).sum(axis=0))
    found = np.stack(rows)
    largest = found.max(axis=0)
    return found - (largest + np.log(np.exp(found - largest).mean(axis=0)))


def vocabulary() -> str:
    """The starter's words, and of its things in its places as many as are missing."""
    from engine.concepts.vocabulary import GIVEN, open_vocabulary
    from engine.data import uploads

    known = open_vocabulary("starter").words
    words = [*known, *(f"{word} at night" for word in known)][:WORDS]
    return GIVEN + uploads.keep_words("\n".join(words).encode(), "words.txt")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="starter-vit")
    parser.add_argument("--site", default="blocks.6.mlp.hidden")
    parser.add_argument("--reader", default="starter-clip")
    parser.add_argument("--data", default="starter")
    parser.add_argument("--rounds", type=int, default=3, help="the median counts")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["VITRINE_CACHE"] = folder
        measure(args)


def measure(args: argparse.Namespace) -> None:
    from engine.concepts.matching import matched
    from engine.concepts.naming import FLATTER, NameUnitsRequest
    from engine.concepts.words import WordsRequest, aligned, reader_of, unit_length
    from engine.core import config, devices
    from engine.core.choices import EMBEDDING
    from engine.core.request import Request, Result, build
    from engine.evaluation.index import IndexRequest
    from engine.jobs.runner import Runner
    from engine.models.text import scale

    runner, words = Runner(config.store()), vocabulary()

    def fetch(request: Request) -> Result:
        return runner.fetch(request, lambda progress: None)

    def named(top: int) -> float:
        whole = {"model": args.model, "site": args.site, "data": args.data, "reader": args.reader}
        return seconds(lambda: fetch(build(NameUnitsRequest, **whole, vocabulary=words, top=top)))

    nothing = named(5)
    ready = statistics.median(named(6 + number) for number in range(args.rounds))

    index, seen = (
        fetch(build(IndexRequest, model=model, site=site, data=args.data))
        for model, site in ((args.model, args.site), (args.reader, EMBEDDING))
    )
    here, there = aligned(index.arrays["images"], seen.arrays["images"], args.data)
    activations = index.arrays["position_mean"][here]
    images = unit_length(seen.arrays["position_mean"][there])
    embedding = fetch(build(WordsRequest, reader=args.reader, vocabulary=words)).arrays["embedding"]
    loaded = reader_of(args.reader)
    sharpness = scale(loaded) / FLATTER

    def ours() -> np.ndarray:
        blocks = matched("soft-wpmi", activations, images, embedding, sharpness)
        return np.concatenate([block.units for block in blocks], axis=1)

    looped, together = plainly(activations, images, embedding, sharpness), ours()
    assert np.mean(looped.argmax(axis=1) == together.argmax(axis=1)) > 0.99, "both ways must find the same words"
    pairs = [
        (seconds(lambda: plainly(activations, images, embedding, sharpness)), seconds(ours)) for _ in range(args.rounds)
    ]
    plain, quick = (statistics.median(times) for times in zip(*pairs, strict=True))
    units, device = activations.shape[1], devices.describe(loaded.device)["name"]
    print(f"{args.model}@{args.site}: {units} units, {len(here)} images, {len(embedding)} words, on {device}")
    print(f"names from nothing        {nothing:8.2f} s   (two models, two indexes, the words)")
    print(f"names, indexes there      {ready:8.2f} s   (with 1,000 shuffled units)")
    print(f"matching alone            {quick:8.2f} s   {plain / quick:6.1f} times as fast as plainly")
    print(f"matching, a plain loop    {plain:8.2f} s")


if __name__ == "__main__":
    main()
