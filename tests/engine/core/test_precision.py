"""Precision: one answer in every process of a machine, whatever else the machine does; what a person sets goes first."""

from __future__ import annotations

import json
import os
import random
import subprocess
from pathlib import Path

import pytest
import torch

from engine.core import config, devices, kept, precision, processor

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A machine with matrix units, which has not decided yet; its cache folder is `tmp_path`."""

    def set_to(**values) -> None:
        changed = config.settings().model_copy(update={"cache_folder": tmp_path, "precision": "auto", **values})
        for module in (precision, kept):
            monkeypatch.setattr(module, "settings", lambda: changed)
        precision.forget()

    set_to()
    monkeypatch.setattr(processor, "multiplies_bfloat16", lambda device: True)
    yield set_to
    precision.forget()


def measured(monkeypatch: pytest.MonkeyPatch, *speedups: float) -> list[tuple[int, ...]]:
    """Measurements give these speedups, one after the other; the list fills with the sizes that were measured."""
    asked, told = [], iter(speedups)
    monkeypatch.setattr(precision, "_speedup", lambda device, sizes: asked.append(sizes) or next(told))
    return asked


@pytest.mark.parametrize(("speedup", "expected"), [(0.01, torch.float32), (1.2, torch.float32), (2.1, torch.bfloat16)])
def test_bfloat16_is_taken_only_where_it_was_measured_clearly_faster(monkeypatch, speedup, expected):
    measured(monkeypatch, speedup)
    assert precision.precision(CPU) == expected
    with precision.autocast(CPU):
        assert torch.is_autocast_enabled("cpu") == (expected == torch.bfloat16)


def test_the_decision_does_not_depend_on_noise(monkeypatch):
    """Over what was seen on a processor with AMX: small products at 0.36 to 0.54 times, the typical one at 3.5 to 4.2."""
    chance = random.Random(0)

    def speedup(device, sizes) -> float:
        return chance.uniform(3.5, 4.2) if sizes == precision.TYPICAL else chance.uniform(0.36, 0.54)

    monkeypatch.setattr(precision, "_speedup", speedup)
    answers = set()
    for _ in range(100):
        precision.forget()
        precision.kept_in(CPU).unlink(missing_ok=True)
        answers.add(precision.name(CPU))
    assert answers == {"bfloat16"}


def test_a_machine_without_units_for_bfloat16_is_not_measured(monkeypatch):
    asked = measured(monkeypatch)
    monkeypatch.setattr(processor, "multiplies_bfloat16", lambda device: False)
    assert precision.name(CPU) == "float32" and asked == []


def test_what_was_measured_is_kept_for_every_later_process(monkeypatch, tmp_path):
    asked = measured(monkeypatch, 3.9, 0.2)
    assert [precision.name(CPU) for _ in range(3)] == ["bfloat16"] * 3
    precision.forget()  # as a new process would begin
    assert precision.name(CPU) == "bfloat16" and len(asked) == 1
    facts = json.loads(precision.kept_in(CPU).read_text())
    assert facts["machine"][:2] == [processor.processor(), torch.__version__] and facts["times_as_fast"] == 3.9


def test_another_version_of_torch_and_other_limits_are_measured_anew(monkeypatch):
    asked = measured(monkeypatch, 3.9, 1.0, 1.0)
    assert precision.name(CPU) == "bfloat16"
    monkeypatch.setattr(torch, "__version__", "99.0")
    assert precision.name(CPU) == "float32"
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_BF16")
    assert precision.name(CPU) == "float32" and len(asked) == 3


def test_of_two_processes_that_measure_at_once_the_first_to_write_decides_for_both(monkeypatch):
    machine = kept.machine(CPU)

    def slow(device, sizes) -> float:
        kept.keep(precision.kept_in(CPU), machine, {"times_as_fast": 3.6, "precision": "bfloat16"})
        return 1.1

    monkeypatch.setattr(precision, "_speedup", slow)
    assert precision.name(CPU) == "bfloat16"
    assert [path.suffix for path in precision.kept_in(CPU).parent.iterdir()] == [".json"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"precision": "int8", "machine": []}', "\0\xff"])
def test_a_damaged_decision_is_measured_and_written_again(monkeypatch, text):
    measured(monkeypatch, 3.9)
    path = precision.kept_in(CPU)
    path.parent.mkdir()
    path.write_text(text)
    assert precision.name(CPU) == "bfloat16" and json.loads(path.read_text())["precision"] == "bfloat16"


def test_a_cache_folder_that_cannot_be_written_still_gives_an_answer(monkeypatch, machine, tmp_path):
    (tmp_path / "file").write_text("")
    machine(cache_folder=tmp_path / "file" / "cache")
    asked = measured(monkeypatch, 3.9)
    assert precision.name(CPU) == precision.name(CPU) == "bfloat16" and len(asked) == 1


def test_what_a_person_sets_goes_before_everything(monkeypatch, machine):
    asked = measured(monkeypatch)
    for wanted in ("float32", "bfloat16"):
        machine(precision=wanted)
        assert precision.name(CPU) == devices.describe(CPU)["precision"] == wanted
    assert asked == []


def test_a_type_that_the_device_does_not_know_means_float32(monkeypatch):
    def unknown(work, device):
        raise RuntimeError("not implemented for BFloat16")

    monkeypatch.setattr(precision, "_seconds", unknown)
    assert precision.name(CPU) == "float32"


def test_processes_of_this_machine_agree(tmp_path, python):
    ask = "import torch; from engine.core import precision; print(precision.name(torch.device('cpu')))"
    environment = {**os.environ, "VITRINE_CACHE": str(tmp_path / "shared"), "VITRINE_PRECISION": "auto"}
    started = [subprocess.Popen([python, "-c", ask], stdout=subprocess.PIPE, env=environment) for _ in range(2)]
    answers = {process.communicate(timeout=120)[0].decode().strip() for process in started}
    assert len(answers) == 1 and answers <= {"float32", "bfloat16"}
