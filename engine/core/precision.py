"""The precision that models compute in: bfloat16 where the machine multiplies it clearly faster, else float32.

Invariant: every process of a machine computes in the same precision, whatever else the machine does meanwhile. What the
processor can do decides whether measuring is worthwhile at all; what was measured is written down in the cache
folder, and the first process to write it decides for all. The setting `precision` goes before both.
"""

from __future__ import annotations

import contextlib
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch

from engine.core import kept, processor
from engine.core.config import settings
from engine.core.errors import BadRequest

log = logging.getLogger(__name__)

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
# Tokens x width x hidden width of a ViT-S block on four images: the product that most of the time goes into. Smaller ones
# mislead: on a CPU with matrix units 98 x 48 x 192 is half as fast in bfloat16, and this one four times as fast.
TYPICAL = (788, 384, 1536)
# Far from all that was seen of the typical product: 2.1 to 2.8 times as fast with AVX512-BF16, 3.5 to 4.2 with AMX.
WORTH_IT = 1.5
ROUNDS = 24
_DECIDING = threading.Lock()
_decided: dict[tuple[str, ...], str] = {}


def precision(device: torch.device) -> torch.dtype:
    """The type that matrix products are computed in on this device. Weights and results are float32 all the same."""
    return DTYPES[name(device)]


def name(device: torch.device) -> str:
    """The precision on this device as text: “float32” or “bfloat16”."""
    wanted = settings().precision
    if wanted != "auto":
        return wanted
    if not processor.multiplies_bfloat16(device):
        return "float32"
    machine = kept.machine(device)
    with _DECIDING:  # two measurements at once would slow each other down
        if machine not in _decided:
            _decided[machine] = _kept_or_measured(device, machine)
        return _decided[machine]


def autocast(device: torch.device) -> AbstractContextManager[Any]:
    """Run what is inside at the device's precision; nothing happens where that is float32. Raises BadRequest, with what to
    set, where an operation does not exist in that precision."""
    return nullcontext() if precision(device) == torch.float32 else _in_bfloat16(device)


@contextlib.contextmanager
def _in_bfloat16(device: torch.device) -> Iterator[None]:
    try:
        with torch.autocast(device.type, torch.bfloat16):
            yield
    except (RuntimeError, NotImplementedError) as error:
        if (refusal := not_in_bfloat16(error)) is None:
            raise
        raise refusal from error


def not_in_bfloat16(error: Exception) -> BadRequest | None:
    """What to say where an error is about an operation that does not exist in bfloat16 (a Fourier transform); else None."""
    first = (str(error).splitlines() or [""])[0][:160].rstrip(". ")
    if "bfloat16" not in first.lower():
        return None
    return BadRequest(
        f"This network has an operation that does not exist in bfloat16 ({first}). Compute in float32: set precision = “float32” "
        "in vitrine.toml, or VITRINE_PRECISION=float32."
    )


def forget() -> None:
    """Let the next call read what is kept in the cache folder, or measure again."""
    with _DECIDING:
        _decided.clear()


def kept_in(device: torch.device) -> Path:
    """The file that holds what was decided for a device like this one under this version of torch."""
    return kept.kept_in("precision", kept.machine(device))


def _kept_or_measured(device: torch.device, machine: tuple[str, ...]) -> str:
    path = kept_in(device)
    if (decided := _read(path, machine)) is not None:
        return decided
    damaged = path.exists()
    speedup = _speedup(device, TYPICAL)
    decision = "bfloat16" if speedup >= WORTH_IT else "float32"
    log.info("bfloat16 is %.2f times as fast as float32 on %s: computing in %s", speedup, machine[0], decision)
    kept.keep(path, machine, {"times_as_fast": round(speedup, 2), "precision": decision}, instead=damaged)
    return _read(path, machine) or decision  # in a folder that cannot be written, each process measures for itself


def _read(path: Path, machine: tuple[str, ...]) -> str | None:
    """The decision that is kept, None where there is none that can be read."""
    decision = (kept.read(path, machine) or {}).get("precision")
    return decision if decision in DTYPES else None


def _speedup(device: torch.device, sizes: tuple[int, int, int]) -> float:
    """How many times faster the product is in bfloat16 than in float32 (the best of many rounds each, turns taken, so
    that a busy machine slows both); 0 where the device does not know the type at all."""
    rows, inner, columns = sizes
    try:
        left, right = torch.ones(rows, inner, device=device), torch.ones(inner, columns, device=device)
        pairs = {dtype: (left.to(dtype), right.to(dtype)) for dtype in DTYPES.values()}
        seconds = dict.fromkeys(pairs, math.inf)
        for _ in range(ROUNDS):
            for dtype, (one, other) in pairs.items():
                seconds[dtype] = min(seconds[dtype], _seconds(lambda one=one, other=other: one @ other, device))
    except (RuntimeError, TypeError):
        return 0.0
    return seconds[torch.float32] / seconds[torch.bfloat16]


def _seconds(work: Callable[[], Any], device: torch.device) -> float:
    processor.wait(device)
    start = time.perf_counter()
    work()
    processor.wait(device)
    return time.perf_counter() - start
