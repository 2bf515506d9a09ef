"""The pass that had to make room: handed back once, to whoever asks for the same, and never where it takes much memory."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch

from engine.core import devices
from engine.evaluation import unfinished
from engine.evaluation.unfinished import Pass, Unfinished


def counted(done: int, size: int = 10) -> Any:
    return Pass(SimpleNamespace(), [SimpleNamespace(bytes=size), SimpleNamespace(bytes=size)], done)  # type: ignore[arg-type]


def test_it_is_handed_back_once_and_only_to_the_same():
    kept, begun = Unfinished(), counted(5)
    kept.keep("a", begun)
    assert kept.take("b") is None
    assert kept.take("a") is begun
    assert kept.take("a") is None


def test_the_last_one_takes_the_place_of_the_one_before():
    kept, later = Unfinished(), counted(7)
    kept.keep("a", counted(5))
    kept.keep("b", later)
    assert kept.take("a") is None and kept.take("b") is later


def test_one_that_takes_much_memory_or_counted_nothing_is_let_go():
    kept = Unfinished(most=20)
    kept.keep("large", counted(5, size=11))
    assert kept.take("large") is None
    kept.keep("small", counted(5, size=10))
    kept.keep("nothing", counted(0))
    assert kept.take("nothing") is None and kept.take("small") is not None


def test_where_the_memory_is_full_it_is_let_go() -> None:
    unfinished.UNFINISHED.keep("a", counted(5))

    def full(size: int) -> int:
        if size > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return size

    assert devices.halve_on_oom(full, 2) == 1
    assert unfinished.UNFINISHED.take("a") is None
