"""The pool: one copy of a model, bounded memory, and nobody disturbed when a model is put out."""

from __future__ import annotations

import gc
import threading
import time

import pytest
import torch
from torch import nn

from engine.models.loaded import LoadedModel
from engine.models.pool import ModelPool

KILO = 1000


def model(name: str, size: int = KILO) -> LoadedModel:
    """A model whose weights take exactly `size` bytes."""
    module = nn.Linear(size // 4, 1, bias=False)
    return LoadedModel(name, module, (8, 8), (0.5,) * 3, (0.5,) * 3, None, "mark", torch.device("cpu"))


def test_a_model_is_loaded_once_and_then_shared():
    pool = ModelPool(10 * KILO)
    first = pool.get("a", lambda: model("a"))
    assert pool.get("a", lambda: pytest.fail("loaded again")) is first


def test_ten_threads_that_ask_at_once_load_once():
    pool, loads, found = ModelPool(10 * KILO), [], []

    def load() -> LoadedModel:
        loads.append(1)
        time.sleep(0.05)
        return model("a")

    threads = [threading.Thread(target=lambda: found.append(pool.get("a", load))) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loads) == 1
    assert len(found) == 10 and len({id(each) for each in found}) == 1


def test_two_models_load_at_the_same_time():
    pool, together = ModelPool(10 * KILO), threading.Barrier(2, timeout=5)

    def load(name: str) -> LoadedModel:
        together.wait()  # breaks, and fails the test, unless both are loading
        return model(name)

    threads = [threading.Thread(target=pool.get, args=(name, lambda name=name: load(name))) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, pool.keys())) == ["a", "b"]


def test_the_least_recently_used_goes_first_and_memory_stays_bounded():
    pool = ModelPool(2 * KILO)
    for name in ("a", "b", "a", "c"):
        pool.get(name, lambda name=name: model(name))
    assert pool.keys() == ["a", "c"]
    assert pool.memory_bytes == 2 * KILO


def test_what_a_model_is_copied_for_counts_too_but_shared_weights_count_once():
    pool = ModelPool(3 * KILO)
    found = pool.get("a", lambda: model("a"))
    shared = nn.Linear(KILO // 4, 1, bias=False)
    shared.weight = found.module.weight
    found.copy_for("reading", lambda _: shared)
    assert pool.memory_bytes == KILO
    found.copy_for("gradients", lambda _: nn.Linear(KILO // 4, 2, bias=False))
    assert pool.memory_bytes == 3 * KILO
    pool.get("b", lambda: model("b"))
    assert pool.keys() == ["b"]


def test_a_model_larger_than_the_limit_is_kept_alone():
    pool = ModelPool(2 * KILO)
    pool.get("a", lambda: model("a"))
    pool.get("large", lambda: model("large", 8 * KILO))
    assert pool.keys() == ["large"]


def test_a_model_in_use_survives_being_put_out_and_is_handed_out_again():
    pool = ModelPool(KILO)
    in_use = pool.get("a", lambda: model("a"))
    pool.get("b", lambda: model("b"))
    assert pool.keys() == ["b"]
    assert in_use.module(torch.ones(1, KILO // 4)).shape == (1, 1)
    assert pool.get("a", lambda: pytest.fail("a second copy was loaded")) is in_use


def test_a_model_that_nobody_uses_is_freed_and_loaded_anew():
    pool, loads = ModelPool(KILO), []
    pool.get("a", lambda: model("a"))
    pool.get("b", lambda: model("b"))
    gc.collect()
    pool.get("a", lambda: loads.append(1) or model("a"))
    assert loads == [1]


def test_a_failed_load_is_not_kept():
    pool = ModelPool(KILO)

    def fail() -> LoadedModel:
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="disk"):
        pool.get("a", fail)
    assert pool.get("a", lambda: model("a")).name == "a"


def test_two_that_load_at_once_do_not_exceed_the_limit_together():
    pool, at_once, most = ModelPool(3 * KILO), 0, []
    lock = threading.Lock()

    def load(name: str) -> LoadedModel:
        nonlocal at_once
        with lock:
            at_once += 1
            most.append(at_once)
        time.sleep(0.05)
        with lock:
            at_once -= 1
        return model(name, 2 * KILO)

    threads = [threading.Thread(target=pool.get, args=(n, lambda n=n: load(n), 2 * KILO)) for n in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(most) == 3 and max(most) == 1 and pool.memory_bytes == 2 * KILO


def test_room_is_made_before_a_model_is_loaded():
    pool = ModelPool(3 * KILO)
    pool.get("a", lambda: model("a", 2 * KILO))
    pool.get("b", lambda: look(pool), 2 * KILO)
    assert pool.keys() == ["b"]


def look(pool: ModelPool) -> LoadedModel:
    assert pool.keys() == [], "what was held has made room"
    return model("b", 2 * KILO)


def test_a_model_larger_than_the_limit_is_loaded_alone_and_a_failure_gives_its_room_back():
    pool = ModelPool(KILO)
    pool.get("large", lambda: model("large", 5 * KILO), 5 * KILO)
    with pytest.raises(ZeroDivisionError):
        pool.get("fails", lambda: 1 / 0, 5 * KILO)
    assert pool.get("small", lambda: model("small"), KILO) and pool._reserved == {}


def test_a_model_that_loads_another_does_not_wait_for_itself():
    pool = ModelPool(3 * KILO)
    pool.get(
        "outer", lambda: pool.get("inner", lambda: model("inner", 2 * KILO), 2 * KILO) and model("outer"), 2 * KILO
    )
    assert "outer" in list(pool.keys())
