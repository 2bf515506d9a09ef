"""Weights files in: safetensors, or torch files without code in them. And into a model, or a clear reason why not.

Invariant: reading a file never runs anything that the file says; a pickle that asks for more than tensors is refused.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import json
import math
import os
import pickle
import pickletools
import re
import threading
import warnings
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from engine.core.errors import BadRequest, RefusedFile, Unavailable

# Where training scripts put the weights inside a checkpoint; averaged weights first, as timm does.
NESTS = ("state_dict_ema", "model_ema", "state_dict", "model_state_dict", "model")
# What wrappers (data parallel, torch.compile, Lightning) put before every name.
WRAPPERS = ("_orig_mod.", "module.", "model.")
LONGEST_HEADER = 100 << 20
"""Bytes of a safetensors file's list of contents."""
AVERAGED = "n_averaged"
"""What torch's averaging of weights writes beside them."""
_ASKED = re.compile(r"(?:GLOBAL|class|global) [`'\"]?([A-Za-z_][\w.]*\.\w+)")
_DIGESTS: dict[tuple[str, int, int], str] = {}
_SAFE_GLOBALS = threading.Lock()
# What torch says before it refuses a pickle of another kind: we say it in a sentence. Set once, because warning filters
# are not per thread.
warnings.filterwarnings("ignore", message="Detected pickle protocol", category=UserWarning)


def read_weights(path: Path | str, part: str = "") -> dict[str, Tensor]:
    """The tensors of a weights file by name, on the CPU, as stored; nests and wrappers' prefixes taken off. `part` names one
    of several sets of weights in it; without a name it is the first of NESTS.

    Raises Unavailable when there is no such file, RefusedFile when it is damaged, holds no tensors, complex numbers or
    ones that are not finite, or is a pickle that would run code.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            start = file.read(9)
    except OSError as error:
        raise Unavailable(f"The weights file {path} cannot be read: {error.strerror}.") from None
    content = _read_safetensors(path) if start[8:9] == b"{" else _read_torch(path)
    state = unwrap(content, path, part)
    _check_numbers(state, path)
    return state


def bytes_in_float32(path: Path | str) -> int:
    """How many bytes a file's weights take in memory, about: each number of a safetensors file four bytes, else the file's size.
    0 where that cannot be known; whoever loads it finds out."""
    try:
        with Path(path).open("rb") as file:
            start = file.read(9)
            length = int.from_bytes(start[:8], "little")
            if start[8:9] != b"{" or length > LONGEST_HEADER:
                return os.fstat(file.fileno()).st_size
            file.seek(8)
            header = json.loads(file.read(length))
        return sum(4 * math.prod(each["shape"]) for name, each in header.items() if name != "__metadata__")
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return 0


def sets_of_weights(path: Path) -> tuple[str, ...]:
    """The names of the sets of weights that a training checkpoint holds, in its own order, the one that is read unless another
    is asked for first; none where it holds the weights themselves, or cannot be read (which is said when it is loaded)."""
    try:
        facts = path.stat()
        return _sets(str(path), facts.st_mtime_ns, facts.st_size)
    except OSError:
        return ()


@functools.lru_cache(maxsize=256)
def _sets(path: str, changed: int, size: int) -> tuple[str, ...]:
    with open(path, "rb") as file:
        if file.read(9)[8:9] == b"{":
            return ()
    try:
        with _SAFE_GLOBALS, torch.serialization.safe_globals([argparse.Namespace]):
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except Exception:  # hostile bytes can trip the reader anywhere
        return ()
    names = _names_of_sets(content)
    return tuple(sorted(names, key=lambda name: NESTS.index(name) if name in NESTS else len(NESTS)))


def _names_of_sets(content: Any) -> list[str]:
    """The names under which a checkpoint holds named tensors."""
    held = content.items() if isinstance(content, Mapping) else ()
    return [str(name) for name, value in held if isinstance(value, Mapping) and _has_tensors(value)]


def _has_tensors(held: Mapping[Any, Any]) -> bool:
    inside = [each for nest in NESTS if isinstance(each := held.get(nest), Mapping)]
    return any(isinstance(value, Tensor) for value in held.values()) or any(map(_has_tensors, inside))


def unwrap(content: Any, source: Path | str, part: str = "") -> dict[str, Tensor]:
    """The named tensors inside what a checkpoint holds, in its `part` where that is named. Raises RefusedFile when there are
    none."""
    several = _names_of_sets(content)
    if part:
        if part not in several:
            raise RefusedFile(
                f"{source} has no weights called {part}. It has {', '.join(several) or 'one set, without a name'}."
            )
        content = content[part]
    for nest in NESTS:
        if isinstance(content, Mapping) and isinstance(content.get(nest), Mapping):
            content = content[nest]
    tensors = content.items() if isinstance(content, Mapping) else ()
    state = {str(name): value for name, value in tensors if isinstance(value, Tensor)}
    if not state and several:
        raise RefusedFile(
            f"{source} holds weights called {', '.join(several)}. Choose with part = “{several[0]}” in the card."
        )
    if not state:
        raise RefusedFile(
            f"{source} holds no named tensors. Save the weights with torch.save(model.state_dict(), file)."
        )
    if len(state) > 1 and all(name.startswith(WRAPPERS) for name in state if name != AVERAGED):
        state.pop(AVERAGED, None)
    while prefix := next((prefix for prefix in WRAPPERS if all(name.startswith(prefix) for name in state)), None):
        state = {name.removeprefix(prefix): value for name, value in state.items()}
    return state


def fit_weights(module: nn.Module, state: Mapping[str, Tensor], source: Path | str) -> None:
    """Put weights into a module, every one of them, converted to the module's own types (so fp16 becomes float32).

    Raises BadRequest that names the first missing, unexpected and misshapen tensors; when only the classifier
    differs, that says how many classes the file has and what to do.
    """
    wanted = module.state_dict()
    missing = [name for name in wanted if name not in state and not name.endswith("num_batches_tracked")]
    unexpected = [name for name in state if name not in wanted]
    misshapen = [name for name in wanted if name in state and wanted[name].shape != state[name].shape]
    if (classes := _class_counts(module, wanted, state)) and set(misshapen) <= set(_classifier(module)):
        here, there = classes
        if here != there and not missing and not unexpected:
            raise BadRequest(
                f"{source} was trained for {there} classes, but the model is set up for {here}. "
                f"Set num_classes = {there}, or give a list of {there} class names."
            )
    if missing or unexpected or misshapen:
        shapes = [f"{name} ({_shape(state[name])} instead of {_shape(wanted[name])})" for name in misshapen]
        found = (("missing", missing), ("not in the model", unexpected), ("of another shape", shapes))
        listed = "; ".join(f"{len(names)} {what}: {_first(names)}" for what, names in found if names)
        raise BadRequest(f"The weights in {source} do not fit {_title(module)}: {listed}. Check the architecture.")
    module.load_state_dict(state, strict=False)


def class_count(module: nn.Module, state: Mapping[str, Tensor]) -> int | None:
    """How many classes the weights' classifier tells apart, when it lies where the module's own does."""
    counts = [state[name].shape[0] for name in _classifier(module) if name in state and state[name].ndim]
    return int(counts[0]) if counts else None


def digest(path: Path) -> str:
    """Digest of a file's bytes (32 hex digits); read again only when its size or time of change is another."""
    try:
        facts = path.stat()
        key = (str(path), facts.st_mtime_ns, facts.st_size)
        if key not in _DIGESTS:
            with path.open("rb") as file:
                _DIGESTS[key] = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
        return _DIGESTS[key]
    except OSError as error:
        raise Unavailable(f"The weights file {path} cannot be read: {error.strerror}.") from None


def _check_numbers(state: Mapping[str, Tensor], path: Path) -> None:
    """Raises RefusedFile for complex numbers, which would lose a part, and for those that would make every answer NaN."""
    if compound := [name for name, value in state.items() if value.is_complex()]:
        raise RefusedFile(
            f"{path} contains complex numbers in {len(compound)} of its {len(state)} tensors: {_first(compound)}. Vitrine "
            f"supports real-valued networks only."
        )
    # A mask of attention is made of infinity.
    if broken := [name for name, value in state.items() if not name.endswith("mask") and not _is_finite(value)]:
        raise RefusedFile(
            f"{path} contains non-finite numbers in {len(broken)} of its {len(state)} tensors: {_first(broken)}. The "
            f"weights are damaged, or training diverged: get the file again."
        )


def _is_finite(value: Tensor) -> bool:
    """Whether all numbers are finite, as far as they can be looked at: sparse ones and mere shapes cannot."""
    if not value.is_floating_point() or value.layout != torch.strided or value.is_meta:
        return True
    whole = value.float() if value.dtype.itemsize == 1 else value  # eight bits cannot be asked
    return bool(torch.isfinite(whole).all())


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path, device="cpu")
    except (SafetensorError, ValueError, KeyError) as error:
        raise RefusedFile(f"{path} is a damaged safetensors file ({error}). Copy or download it again.") from None


def _read_torch(path: Path) -> Any:
    try:
        # timm's training checkpoints carry their command line: a Namespace is plain data and may stay.
        with _SAFE_GLOBALS, torch.serialization.safe_globals([argparse.Namespace]), path.open("rb") as file:
            return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        asked = next(iter(_ASKED.findall(str(error))), None) or _asks_for(path)
        raise _would_run(path, asked) if asked else _not_weights(path) from None
    except Exception:  # hostile bytes can trip the reader anywhere; the answer is the same
        raise _not_weights(path) from None


def _asks_for(path: Path) -> str | None:
    """The first thing outside itself that a plain pickle names; the file is only listed, never carried out."""
    texts: list[str] = []
    try:
        with path.open("rb") as file:
            for step, value, _ in pickletools.genops(file):
                if step.name == "GLOBAL" and value:
                    return str(value).replace(" ", ".")
                if step.name == "STACK_GLOBAL" and len(texts) > 1:
                    return ".".join(texts[-2:])
                if isinstance(value, str):
                    texts.append(value)
    except (ValueError, OSError):
        pass
    return None


def _would_run(path: Path, asked: str) -> RefusedFile:
    return RefusedFile(
        f"{path} is a pickle that would import “{asked}” when it is loaded, so it was not loaded. "
        "Save only the tensors: torch.save(model.state_dict(), file), or as safetensors."
    )


def _not_weights(path: Path) -> RefusedFile:
    return RefusedFile(
        f"{path} is not a weights file that can be read safely: neither safetensors nor a torch file of plain "
        "tensors, or damaged. Save it with torch.save(model.state_dict(), file)."
    )


def _classifier(module: nn.Module) -> list[str]:
    """Names of the classifier's tensors, as timm tells them."""
    config = getattr(module, "pretrained_cfg", None) or {}
    heads = config.get("classifier") or ()
    heads = (heads,) if isinstance(heads, str) else heads
    return [f"{head}.{part}" for head in heads for part in ("weight", "bias")]


def _class_counts(
    module: nn.Module, wanted: Mapping[str, Tensor], state: Mapping[str, Tensor]
) -> tuple[int, int] | None:
    here, there = class_count(module, wanted), class_count(module, state)
    return (here, there) if here and there else None


def _title(module: nn.Module) -> str:
    config = getattr(module, "pretrained_cfg", None) or {}
    return config.get("architecture") or type(module).__name__


def _shape(tensor: Tensor) -> str:
    return " x ".join(map(str, tensor.shape)) or "a single number"


def _first(names: Iterable[str], count: int = 3) -> str:
    names = list(names)
    return ", ".join(names[:count]) + (", …" if len(names) > count else "")
