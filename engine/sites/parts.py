"""The parts of a module, by their names."""

from __future__ import annotations

from torch import nn


def child(module: nn.Module, name: str) -> nn.Module | None:
    """The submodule of that name, or None."""
    part = getattr(module, name, None)
    return part if isinstance(part, nn.Module) else None
