"""What was measured once on this machine and is kept in the cache folder, so that all processes go by the same answer."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from engine.core import processor
from engine.core.config import settings


def machine(device: torch.device) -> tuple[str, ...]:
    """What a measurement holds for: the device's name, torch's version, and the limits on instructions."""
    limits = [f"{variable}={os.environ[variable]}" for variable in processor.LIMITS if os.environ.get(variable)]
    return (processor.name(device), str(torch.__version__), *limits)


def kept_in(kind: str, about: Sequence[str]) -> Path:
    """The file for what was measured of this `kind`; `about`: all that it holds for."""
    digest = hashlib.blake2b(json.dumps(list(about)).encode(), digest_size=8).hexdigest()
    return settings().cache_folder / kind / f"{digest}.json"


def read(path: Path, about: Sequence[str]) -> dict[str, Any] | None:
    """The facts that are kept, None where there are none that can be read or they hold for something else."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        return facts if facts["machine"] == list(about) else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def keep(path: Path, about: Sequence[str], facts: dict[str, Any], instead: bool = False) -> None:
    """Write facts down, whole or not at all. Those that another process wrote meanwhile stay, unless ours are written
    `instead` of damaged ones. In a cache folder that cannot be written nothing is kept."""
    partial = path.with_suffix(f".{secrets.token_hex(4)}")
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            partial.write_text(json.dumps({"machine": list(about), **facts}, indent=1), encoding="utf-8")
            if instead or not hasattr(os, "link"):
                os.replace(partial, path)
                return
            try:
                os.link(partial, path)
            except FileExistsError:
                pass
            except OSError:  # a file system without hard links
                os.replace(partial, path)
        finally:
            with contextlib.suppress(OSError):
                partial.unlink()
