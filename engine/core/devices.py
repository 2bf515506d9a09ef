"""Where models run: CUDA, Apple's MPS or the CPU, found by itself.

Invariant: on one device, same seed means same bytes as far as the device allows. So TF32 is off, cuDNN neither
searches for kernels nor uses nondeterministic ones, and torch prefers deterministic kernels on CUDA (it warns
where one has none, as for the gradient of bicubic resizing). Another device, another number of CPU threads or
another torch version may round differently.
"""

from __future__ import annotations

import ctypes
import gc
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import torch

from engine.core import precision, processor
from engine.core.config import settings
from engine.core.errors import BadRequest, Unavailable, out_of_memory

T = TypeVar("T")

MOST_FOR_GLIBC = 32 << 20  # the largest size that glibc takes for the threshold below
# The largest tensor whose memory is kept for the next one: a header and torch's alignment stand in the same piece.
LARGEST_KEPT = MOST_FOR_GLIBC - 4096


@cache
def pick() -> torch.device:
    """The device to compute on: the one that the settings name, else the best that works.

    Raises BadRequest when the settings name a device that this machine does not have.
    """
    wanted = settings().device
    device = _best() if wanted == "auto" else torch.device(wanted)
    if wanted != "auto" and not _works(device):
        raise BadRequest(
            f"The settings request the device “{wanted}”, which torch cannot use here. Set device to “auto”."
        )
    if settings().threads:
        torch.set_num_threads(settings().threads)
    if device.type == "cuda":
        _prefer_same_bytes()
    elif device.type == "cpu":
        _keep_freed_memory()
    return device


def count() -> int:
    """How many GPUs CUDA sees."""
    return torch.cuda.device_count()


def describe(device: torch.device) -> dict[str, Any]:
    """What people want to know of a device: name, kind, memory_total and memory_free (bytes or None), precision,
    and what the settings ask for as precision."""
    total, free = memory(device)
    name, threads = processor.name(device), torch.get_num_threads()
    if device.type == "cpu":
        name += f", {threads} thread{'s' * (threads > 1)}"
    return {
        "name": name,
        "kind": device.type,
        "memory_total": total,
        "memory_free": free,
        "precision": precision.name(device),
        "precision_setting": settings().precision,
    }


def host_memory() -> tuple[int | None, int | None]:
    """(total, free) bytes of the machine's own memory; None where nobody tells."""
    return memory(torch.device("cpu"))


def exact(device: torch.device) -> torch.device:
    """Where sums in float64 are kept: on the device itself, but on the CPU for Apple's MPS, which has no float64."""
    return torch.device("cpu") if device.type == "mps" else device


def halve_on_oom(run: Callable[[int], T], batch: int, by: int = 2) -> T:
    """`run(batch)`; each time the device runs out of memory, again with half the batch, or with the `by`-th part of it.

    Raises Unavailable when even a batch of one does not fit. Any other error of `run` passes through.
    """
    size = batch
    while True:
        try:
            return run(size)
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
        # Out of the except block: the traceback no longer holds the tensors of the failed try.
        free_memory()
        if size <= 1:
            raise Unavailable("The device does not have enough free memory for a single image. Use a smaller model.")
        size = max(1, size // by)


def _best() -> torch.device:
    for kind in ("cuda", "mps"):
        if _works(device := torch.device(kind)):
            return device
    return torch.device("cpu")


def _works(device: torch.device) -> bool:
    """A driver may be listed and still fail at the first tensor; so make one."""
    try:
        return bool((torch.ones(2, device=device) + 1).sum().item() == 4)
    except (RuntimeError, AssertionError, NotImplementedError):
        return False


def _prefer_same_bytes() -> None:
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS reads it when its first handle is made
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    torch.use_deterministic_algorithms(True, warn_only=True)


def _keep_freed_memory() -> None:
    """Let glibc keep what tensors leave behind instead of giving it back to the system and fetching it anew, page by
    page, at each step. Other systems' allocators have no such switch and need none."""
    trim_threshold, mmap_threshold = -1, -3  # glibc's malloc.h
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return
    mallopt(trim_threshold, 1 << 30)
    mallopt(mmap_threshold, MOST_FOR_GLIBC)


CONTAINER = Path("/sys/fs/cgroup")
"""Where Linux says what a container may use (control groups, version 2)."""
LET_GO: list[Callable[[], None]] = []
"""What frees memory that is only held to save time, called where the memory is full."""


def free_memory() -> None:
    """Let go of what is only held to save time."""
    for let_go in LET_GO:
        let_go()
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()


def memory(device: torch.device) -> tuple[int | None, int | None]:
    """(total, free) bytes of the device's memory; None where nobody tells."""
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        return total, free
    if device.type == "mps":
        total = torch.mps.recommended_max_memory()
        return total, max(0, total - torch.mps.driver_allocated_memory())
    try:
        with open("/proc/meminfo", encoding="utf-8") as lines:
            kib = {line.partition(":")[0]: int(line.split()[1]) for line in lines if "kB" in line}
        return _in_container(kib["MemTotal"] * 1024, kib["MemAvailable"] * 1024)
    except (OSError, KeyError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), None
    except (AttributeError, ValueError, OSError):
        return None, None


def _in_container(total: int, free: int) -> tuple[int, int]:
    """(total, free) bytes, no more than a container is given; files that are only kept to be read again count as free."""
    try:
        most, used = int((CONTAINER / "memory.max").read_text()), int((CONTAINER / "memory.current").read_text())
        lines = (line.split() for line in (CONTAINER / "memory.stat").read_text().splitlines())
        files = sum(int(size) for name, size in lines if name in ("inactive_file", "active_file"))
    except (OSError, ValueError):  # no container, or one without a limit (“max”)
        return total, free
    return min(total, most), max(0, min(free, most - used + files))
