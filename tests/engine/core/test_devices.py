"""Devices: something always works, and running out of memory costs only time."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from engine.core import config, devices
from engine.core.errors import BadRequest, Unavailable, out_of_memory

CPU = torch.device("cpu")


@pytest.fixture
def fresh(monkeypatch):
    """Settings can be changed for one test, and what was picked is forgotten before and after."""
    forget = devices.pick.cache_clear

    def set_to(**values) -> None:
        changed = config.settings().model_copy(update=values)
        monkeypatch.setattr(devices, "settings", lambda: changed)
        forget()

    forget()
    yield set_to
    forget()


def test_a_device_is_found_that_can_compute(fresh):
    assert (torch.ones(3, device=devices.pick()).sum()).item() == 3


def test_settings_can_force_the_cpu_and_its_threads(fresh):
    before = torch.get_num_threads()
    try:
        fresh(device="cpu", threads=1)
        assert devices.pick() == CPU
        assert torch.get_num_threads() == 1
        assert devices.describe(torch.device("cpu"))["name"].endswith(", 1 thread")
    finally:
        torch.set_num_threads(before)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has the device that the test expects to lack")
def test_a_device_that_is_not_there_is_named_in_the_error(fresh):
    fresh(device="cuda")
    with pytest.raises(BadRequest, match=r"cuda.*auto"):
        devices.pick()


def test_a_description_says_name_kind_memory_and_precision():
    facts = devices.describe(CPU)
    assert facts["kind"] == "cpu" and facts["name"]
    assert facts["memory_total"] > facts["memory_free"] > 0
    assert facts["precision"] in ("float32", "bfloat16")


def test_running_out_of_memory_halves_the_batch_and_goes_on():
    tried = []

    def run(batch: int) -> str:
        tried.append(batch)
        if batch > 3:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return "done"

    assert devices.halve_on_oom(run, 16) == "done"
    assert tried == [16, 8, 4, 2]


def test_a_batch_of_one_that_does_not_fit_is_said():
    def run(batch: int) -> None:
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 byte")

    with pytest.raises(Unavailable, match="memory"):
        devices.halve_on_oom(run, 4)


def test_an_error_that_is_not_about_memory_passes_through_at_once():
    tried = []

    def run(batch: int) -> None:
        tried.append(batch)
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        devices.halve_on_oom(run, 8)
    assert tried == [8]


@pytest.mark.parametrize(
    ("said", "memory"),
    [
        ("CUDA out of memory. Tried to allocate 2.00 GiB.", True),
        ("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`", True),
        ("cuDNN error: CUDNN_STATUS_ALLOC_FAILED", True),
        (
            "[enforce fail at alloc_cpu.cpp] . DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes",
            True,
        ),
        ("unable to mmap 8 bytes from file <x>: Cannot allocate memory (12)", True),
        ("CUDA error: an illegal memory access was encountered", False),
    ],
)
def test_what_says_that_memory_is_missing_is_told_from_other_errors(said, memory):
    assert out_of_memory(RuntimeError(said)) is memory


def test_errors_of_pythons_and_torchs_own_kind_need_no_words_and_ours_are_none():
    assert out_of_memory(MemoryError()) and out_of_memory(torch.OutOfMemoryError())
    assert not out_of_memory(Unavailable("The device has not enough memory for this model."))


def test_sums_in_float64_stay_on_the_device_but_for_apples_which_has_none():
    assert [devices.exact(torch.device(kind)).type for kind in ("cpu", "cuda", "mps")] == ["cpu", "cuda", "cpu"]


def container(folder: Path, monkeypatch: pytest.MonkeyPatch, most: str) -> tuple[int | None, int | None]:
    """(total, free) where a container may use so much, and 300 MB are in use, 100 of them files."""
    (folder / "memory.max").write_text(f"{most}\n")
    (folder / "memory.current").write_text("300000000\n")
    (folder / "memory.stat").write_text("anon 200000000\ninactive_file 60000000\nactive_file 40000000\n")
    monkeypatch.setattr(devices, "CONTAINER", folder)
    return devices.host_memory()


def test_in_a_container_memory_is_what_it_may_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert container(tmp_path, monkeypatch, "1000000000") == (1_000_000_000, 800_000_000)
    assert container(tmp_path, monkeypatch, "150000000") == (150_000_000, 0)
    total, free = container(tmp_path, monkeypatch, "max")
    assert total is not None and free is not None and total > free > 1_000_000_000
