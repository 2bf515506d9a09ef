"""Filtered images a second: the engine against the plain way, in one run.

    python -m bench.frequency [--models starter-vit starter-cnn] [--images 64] [--cutoffs 20] [--rounds 3]

The plain way is what one writes first: for each cut-off a DataLoader that decodes and filters each image, and a pass of the
model in float32 over each batch. Turns are taken, and the best round of each counts. Seconds are those of the processor,
summed over its threads (what other programs take does not count), and of the clock. Both must give the same answers.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from engine.core import devices, precision
from engine.core.images import to_input
from engine.core.request import Progress, build
from engine.data.registry import open_dataset
from engine.models import catalog
from engine.models.loaded import LoadedModel
from engine.reliance.frequency import FrequencyRequest

BATCH = 64


class Filtered(TorchDataset):
    """Images of the starter's scenes, low-passed one at a time."""

    def __init__(self, numbers: list[int], size: tuple[int, int], cutoff: float) -> None:
        self.data, self.numbers, self.size, self.cutoff = open_dataset("starter"), numbers, size, cutoff

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, place: int) -> Tensor:
        pixels = to_input(self.data.image(self.numbers[place]), self.size)
        image = torch.from_numpy(pixels).permute(2, 0, 1).float() / 255
        if self.cutoff >= 1:
            return image
        height, width = image.shape[1:]
        down = torch.fft.fftfreq(height)[:, None] * 2
        across = torch.fft.fftfreq(width)[None] * 2
        keep = (down**2 + across**2).sqrt().clamp_max(1) <= self.cutoff + 1e-6
        return torch.fft.ifft2(torch.fft.fft2(image) * keep).real


def plainly(loaded: LoadedModel, numbers: list[int], cutoffs: list[float]) -> np.ndarray:
    """(images, cut-offs) first answers."""
    columns = []
    for cutoff in cutoffs:
        found = []
        with torch.no_grad():
            for batch in DataLoader(Filtered(numbers, loaded.input_size, cutoff), BATCH):
                found.append(loaded.module(loaded.normalize(batch.to(loaded.device))).argmax(1).cpu().numpy())
        columns.append(np.concatenate(found))
    return np.stack(columns, axis=1)


class Quiet:
    """A context that nobody looks at and that keeps nothing."""

    def report(self, progress: Progress) -> None: ...

    def compute(self, request: Any) -> Any:
        return request.run(self)

    def find(self, request: Any) -> Any:
        return None

    def keep(self, request: Any, result: Any, spare: bool = False) -> bool: ...


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """(what it gives, seconds of the processor, seconds of the clock)."""
    processor, clock = time.process_time(), time.perf_counter()
    made = work()
    return made, time.process_time() - processor, time.perf_counter() - clock


def main() -> None:
    parser = argparse.ArgumentParser(description="Filtered images a second: the engine against the plain way.")
    parser.add_argument("--models", nargs="+", default=["starter-vit", "starter-cnn"])
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--cutoffs", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    cutoffs = [round((step + 1) / args.cutoffs, 4) for step in range(args.cutoffs)]
    for model in args.models:
        loaded = catalog.load(model)
        precision.precision(loaded.device)
        request = build(FrequencyRequest, model=model, cutoffs=tuple(cutoffs), high=False, bands=(), limit=args.images)
        best: dict[str, tuple[float, float]] = {}
        answers: dict[str, np.ndarray] = {}
        numbers: list[int] = []
        for _ in range(args.rounds):
            result, *seconds = timed(lambda request=request: request.run(Quiet()))
            numbers = result.arrays["images"].tolist()
            order = [*range(1, len(cutoffs)), 0]  # the unfiltered images stand for cut-off 1
            answers["engine"] = result.arrays["top"][:, order, 0]
            best["engine"] = min(best.get("engine", (np.inf, np.inf)), (seconds[0], seconds[1]))
            made, *seconds = timed(lambda loaded=loaded, numbers=numbers: plainly(loaded, numbers, cutoffs))
            answers["plain"] = made
            best["plain"] = min(best.get("plain", (np.inf, np.inf)), (seconds[0], seconds[1]))
        count = len(numbers) * len(cutoffs)
        same = float((answers["engine"] == answers["plain"]).mean())
        print(
            f"{model} on {devices.describe(loaded.device)['name']}, {precision.precision(loaded.device)}: {count} pictures"
        )
        for way, (processor, clock) in best.items():
            print(
                f"  {way:6}  {count / processor:7.1f} pictures a second of processor, {count / clock:7.1f} of the clock"
            )
        ratio = best["plain"][0] / best["engine"][0]
        print(f"  {ratio:.2f} times as fast; {same:.1%} of the first answers are the same")


if __name__ == "__main__":
    main()
