"""`doctor`: is everything here that Vitrine needs, and does it work? Each problem is a sentence that says what to do.

A problem is something that ought to work and does not; what is merely not there (optional networks) is a remark.
"""

from __future__ import annotations

import platform
import random
import shutil
from argparse import Namespace
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from engine import COMMAND, __version__
from engine.cli import deploy
from engine.cli.answer import Answer, size
from engine.core import config
from engine.core.choices import STARTER
from engine.core.errors import VitrineError

PACKAGES = ("streamlit", "torch", "timm", "open_clip_torch", "numpy", "pandas", "pydantic", "diskcache", "safetensors")
LITTLE_SPACE = 1 << 30
SAMPLE = 100
"""Results that are read before a server starts."""
DAMAGED = "counts as missing"


def doctor(arguments: Namespace) -> Answer:
    """Look at Python, packages, device, cache, scenes and models; healthy means no problem was found."""
    problems: list[str] = []
    remarks: list[str] = []
    facts = {
        "versions": _versions(problems),
        "device": _tried(_device, problems, remarks),
        "cache": _tried(_sampled if arguments.deploy else _cache, problems, remarks),
        "data": _tried(_data, problems, remarks),
        "models": _tried(_models, problems, remarks),
    }
    if arguments.deploy:
        facts["deploy"] = _tried(deploy.check, problems, remarks)
    healthy = not problems
    answer = {**facts, "healthy": healthy, "problems": problems, "remarks": remarks}
    return Answer(answer, _as_text(answer), 0 if healthy else 1)


def _tried(look: Callable[[list[str], list[str]], Any], problems: list[str], remarks: list[str]) -> Any:
    """What `look` finds; when it cannot look at all, that is a problem, and the other checks go on."""
    try:
        return look(problems, remarks)
    except VitrineError as error:
        problems.append(str(error))
    except Exception as error:
        problems.append(f"The check of {look.__name__.strip('_')} failed: {type(error).__name__}: {error}")
    return None


def _versions(problems: list[str]) -> dict[str, str | None]:
    versions: dict[str, str | None] = {"vitrine": __version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = None
            problems.append(f"The package {name} is not installed. Run: pip install -r requirements.txt")
    return versions


def _device(problems: list[str], remarks: list[str]) -> dict[str, Any]:
    """The device that the settings name or that was found to work."""
    from engine.core import devices

    return devices.describe(devices.pick())


def _cache(problems: list[str], remarks: list[str]) -> dict[str, Any]:
    """The result store: writable, every result whole, room on the disk."""
    return _stored(problems, problems)


def _sampled(problems: list[str], remarks: list[str]) -> dict[str, Any]:
    """The same for a server that waits for it to start: a part of the results is read, and a damaged one keeps nobody out."""
    return _stored(problems, remarks, SAMPLE)


def _stored(problems: list[str], damage: list[str], most: int | None = None) -> dict[str, Any]:
    store = config.store()
    keys = [entry.key for entry in store.entries()]
    for key in keys if most is None else random.sample(keys, min(most, len(keys))):
        store.get(key)
    for problem in store.problems():
        if DAMAGED in problem:
            damage.append(f"{problem} `{COMMAND} cache prune` removes damaged results.")
        else:
            problems.append(problem)
    if not store.writable:
        problems.append(f"Results cannot be stored in {store.folder}. Set VITRINE_CACHE to another folder.")
        return store.stats()
    free = shutil.disk_usage(store.folder).free
    if free < LITTLE_SPACE:
        problems.append(
            f"Only {size(free)} are free on the disk of {store.folder}. Free some space, or set VITRINE_CACHE."
        )
    return {**store.stats(), "free_bytes": free}


def _data(problems: list[str], remarks: list[str]) -> dict[str, int]:
    """The starter's scenes and the folders of the settings, with how many images each holds."""
    from engine.data.registry import open_dataset

    images: dict[str, int] = {}
    for name in (STARTER, *config.settings().data_folders):
        try:
            dataset = open_dataset(name)
            images[name] = len(dataset)
            dataset.image(0)
        except VitrineError as error:
            problems.append(str(error))
    return images


def _models(problems: list[str], remarks: list[str]) -> dict[str, bool]:
    """The models of every source, as far as it wants them looked at; the starter models are loaded and run once."""
    from engine.models.sources.known import SOURCES, listed

    available: dict[str, bool] = {}
    for source in SOURCES:
        try:
            entries = listed(source)
        except VitrineError as error:
            problems.append(str(error))
            continue
        for entry in entries if source.doctor != "skip" else ():
            available[entry.name] = entry.available
            if source.doctor == "try":
                _try_model(entry.name, problems)
            elif not entry.available:
                remarks.append(f"{entry.name} is not available. {entry.note}".strip())
    return available


def _try_model(name: str, problems: list[str]) -> None:
    import torch

    from engine.models import catalog

    try:
        model = catalog.load(name)
        grey = torch.full((1, 3, *model.input_size), 0.5, device=model.device)
        with torch.inference_mode():
            if not torch.isfinite(model.module(model.normalize(grey))).all():
                problems.append(f"{name} gives non-finite outputs: its weights are damaged. Download the file again.")
    except VitrineError as error:
        problems.append(str(error))


def _as_text(answer: dict[str, Any]) -> str:
    device, cache = answer["device"] or {}, answer["cache"] or {}
    lines = ["  ".join(f"{name} {number or 'missing'}" for name, number in answer["versions"].items())]
    lines.append("device: " + ", ".join(_worth(name, value) for name, value in device.items() if value is not None))
    if cache:
        used = f"{cache['entries']} results, {size(cache['bytes'])} of {size(cache['limit_bytes'])}"
        lines.append(f"cache: {used}, in {cache['folder']}")
    lines.append("data: " + ", ".join(f"{name} ({count} images)" for name, count in (answer["data"] or {}).items()))
    ready = [name for name, available in (answer["models"] or {}).items() if available]
    lines.append(f"models: {', '.join(ready) or 'none'}")
    lines += [f"remark: {remark}" for remark in answer["remarks"]]
    lines += [f"problem: {problem}" for problem in answer["problems"]]
    return "\n".join([*lines, "healthy" if answer["healthy"] else "not healthy"])


def _worth(name: str, value: Any) -> str:
    """A fact about the device in words: memory as a size."""
    label = name.replace("_", " ")
    return f"{label} {size(value)}" if name.startswith("memory") else f"{label} {value}"
