"""What makes a person's module the one it is: its tensors, its structure and settings, and the code that runs them.

Code is that of every class in the module that neither torch, torchvision, timm, open_clip nor Python brought (base classes
too), and of the functions, classes and plain values that this code names, as far as no installed package brought them. What
else code does (reads a file, asks the clock) cannot be seen.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import sys
from collections.abc import Iterator
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import torch
from torch import Tensor, nn

LIBRARIES = {"builtins", "torch", "torchvision", "timm", "open_clip", *sys.stdlib_module_names} - {"__main__"}
INSTALLED = ("site-packages", "dist-packages")
_PLAIN = (bool, int, float, str, type(None))


def of(module: nn.Module) -> str:
    """Digest (32 hex digits) of a module. The same tensors, settings and code give the same in every process."""
    total = hashlib.blake2b(digest_size=16)
    for name, tensor in _tensors(module):
        total.update(f"{name} {tensor.dtype} {tuple(tensor.shape)} ".encode())
        total.update(_bytes(tensor))
    for path, part in module.named_modules():
        total.update(f"{path}: {_title(type(part))} {json.dumps(_settings(part), sort_keys=True)}\n".encode())
    for text in sorted(_sources(module)):
        total.update(text.encode())
    return total.hexdigest()


def _tensors(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Parameters and buffers by name, also those that are not saved with the module."""
    yield from module.named_parameters(remove_duplicate=False)
    yield from module.named_buffers(remove_duplicate=False)


def _bytes(tensor: Tensor) -> bytes:
    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""


def _settings(part: nn.Module) -> dict[str, Any]:
    """The plain values that a module holds (a convolution's stride, a flag) and what it says of itself."""
    held = {name: value for name, value in vars(part).items() if name != "training" and _is_plain(value)}
    return {"says": part.extra_repr(), **held}


def _is_plain(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return all(map(_is_plain, value))
    return isinstance(value, _PLAIN)


def _sources(module: nn.Module) -> set[str]:
    """The text of all code of a person's own that the module runs, and the plain values that it names."""
    texts: set[str] = set()
    seen: set[int] = set()
    waiting: list[Any] = [base for part in module.modules() for base in type(part).__mro__]
    # Methods that were put into one module only, and hooks.
    waiting += [each for part in module.modules() for each in _values(vars(part))]
    while waiting:
        found = waiting.pop()
        found = found.__func__ if isinstance(found, MethodType) else found
        if id(found) in seen or not isinstance(found, type | FunctionType) or _top(found) in LIBRARIES:
            continue
        seen.add(id(found))
        texts.add(f"{found.__qualname__}\n{_text(found)}\n")
        for function in _functions(found) if isinstance(found, type) else [found]:
            for name, named in _named(function):
                texts.update([f"{name} = {named!r}\n"] if _is_plain(named) else ())
                waiting += [] if _is_installed(named) else [named]
        waiting += found.__mro__ if isinstance(found, type) else ()
    return texts


def _values(held: dict[str, Any]) -> Iterator[Any]:
    for value in held.values():
        yield from _values(value) if isinstance(value, dict) else [value]


def _functions(kind: type) -> list[FunctionType]:
    inside = [getattr(value, "__func__", getattr(value, "fget", value)) for value in vars(kind).values()]
    bare = [inspect.unwrap(value) for value in inside if callable(value)]  # no decorators
    return [value for value in bare if isinstance(value, FunctionType)]


def _named(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """What a function's code may reach by name outside itself: globals, what modules among them hold, enclosing variables."""
    names = sorted({name for code in _codes(function.__code__) for name in code.co_names})
    reached = {name: function.__globals__[name] for name in names if name in function.__globals__}
    yield from reached.items()
    for held in reached.values():
        if isinstance(held, ModuleType) and not _is_installed(held):
            yield from ((name, vars(held)[name]) for name in names if name in vars(held))
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # not filled yet
            continue


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _text(found: type | FunctionType) -> str:
    """Source; of a notebook's class that of its methods, which is known where the class's is not; else what was compiled."""
    try:
        return inspect.getsource(found)
    except (OSError, TypeError):
        if isinstance(found, type):
            held = {
                name: value for name, value in vars(found).items() if _is_plain(value) and not name.startswith("__")
            }
            return "".join([json.dumps(held, sort_keys=True), *map(_text, _functions(found))])
        return "".join(_compiled(code) for code in _codes(found.__code__))


def _compiled(code: CodeType) -> str:
    values = [sorted(map(repr, each)) if isinstance(each, frozenset) else each for each in code.co_consts]
    constants = [each for each in values if not isinstance(each, CodeType)]
    return f"{code.co_code.hex()} {code.co_names} {code.co_varnames} {constants!r}"


def _top(found: type | FunctionType) -> str:
    return (found.__module__ or "builtins").partition(".")[0]


def _is_installed(found: Any) -> bool:
    """Whether an installed package or Python itself brought a class, function or module."""
    name = found.__name__ if isinstance(found, ModuleType) else getattr(found, "__module__", None) or "builtins"
    file = getattr(sys.modules.get(name), "__file__", None) or ""
    return name.partition(".")[0] in LIBRARIES or any(f"/{folder}/" in file.replace("\\", "/") for folder in INSTALLED)


def _title(kind: type) -> str:
    """Its name; without the module for what is a person's own: that is `__main__` in one session and not in another."""
    return f"{kind.__module__}.{kind.__qualname__}" if _is_installed(kind) else kind.__qualname__
