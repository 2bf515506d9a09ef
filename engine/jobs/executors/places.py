"""The devices of this machine that processes compute on, and what each such process is told."""

from __future__ import annotations

import os
import sys

from engine.core import config, devices
from engine.core.errors import BadRequest
from engine.core.settings.cluster import Cluster


def devices_of(chosen: Cluster) -> list[str]:
    """The device of each process: as many as are wanted, in turn those that are named or were found. None: no processes.

    Where the settings leave it open: one for each GPU; on a CPU one where people sign in, and in a demo, since what is computed
    inside the server makes the pages of all of them wait (docs/hosting.md has by how much).
    """
    count = chosen.processes
    if count == 0:
        return []
    found = list(chosen.devices) or found_devices()
    if count < 0:
        group = config.settings().access.login != "none" or config.settings().demo
        count = len(found) if chosen.devices or found[0].startswith("cuda") else int(group)
    return [found[number % len(found)] for number in range(count)]


def found_devices() -> list[str]:
    """The devices that the settings allow: all GPUs where they name none."""
    wanted = config.settings().device
    try:
        picked = devices.pick()
    except BadRequest:  # each job says so
        return ["cpu"]
    if picked.type != "cuda":
        return [picked.type]
    if picked.index is not None:
        return [str(picked)]
    return [f"cuda:{number}" for number in range(devices.count() if wanted in ("auto", "cuda") else 1)]


def threads_of(processes: int, device: str) -> int:
    """Threads of each process: what the settings say, else the cores in equal parts. The same number gives the same bytes."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return config.settings().threads or (max(1, cores // processes) if device == "cpu" else 0)


def environment(device: str, threads: int) -> dict[str, str]:
    """The environment of a process that computes on one device: "cpu", "mps", or "cuda:1", which is all that it sees. Raises
    BadRequest for one that is hidden from us."""
    kind, _, number = device.partition(":")
    found = os.environ | {
        "VITRINE_DEVICE": kind,
        "VITRINE_CACHE": str(config.settings().cache_folder),
        "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path),
    }
    if threads:
        found |= {"VITRINE_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
    if number:
        found["CUDA_VISIBLE_DEVICES"] = _card(device, int(number))
    return found


def _card(device: str, number: int) -> str:
    """What CUDA calls a card that we call by its number among those that we are left to see."""
    left = os.environ.get("CUDA_VISIBLE_DEVICES")
    if left is None:
        return str(number)
    names = [name.strip() for name in left.split(",") if name.strip()]
    if number >= len(names):
        raise BadRequest(
            f"There is no {device} here: CUDA_VISIBLE_DEVICES is “{left}”, which leaves {len(names)}, counted from cuda:0. "
            "Set devices under [cluster] in vitrine.toml."
        )
    return names[number]
