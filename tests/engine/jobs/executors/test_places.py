"""Which devices processes get, and what they are told."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from engine.core import devices
from engine.core.errors import BadRequest
from engine.core.settings.cluster import Cluster
from engine.jobs.executors import places
from engine.jobs.executors.places import environment


def gpus(monkeypatch: pytest.MonkeyPatch, count: int, picked: str = "cuda") -> None:
    monkeypatch.setattr(devices, "pick", lambda: torch.device(picked))
    monkeypatch.setattr(devices, "count", lambda: count)


def test_each_gpu_has_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    gpus(monkeypatch, 2)
    assert places.devices_of(Cluster()) == ["cuda:0", "cuda:1"]
    assert places.devices_of(Cluster(processes=0)) == []
    assert places.devices_of(Cluster(processes=3)) == ["cuda:0", "cuda:1", "cuda:0"]
    assert places.devices_of(Cluster(devices=("cuda:1",))) == ["cuda:1"]


def test_a_card_that_the_settings_name_is_the_only_one(monkeypatch: pytest.MonkeyPatch) -> None:
    gpus(monkeypatch, 4, "cuda:1")
    assert places.devices_of(Cluster()) == ["cuda:1"]


def test_processes_on_a_cpu_share_its_cores_evenly(
    monkeypatch: pytest.MonkeyPatch, configured: Callable[..., None]
) -> None:
    monkeypatch.setattr(devices, "pick", lambda: torch.device("cpu"))
    monkeypatch.setattr(places.os, "sched_getaffinity", lambda process: set(range(8)))
    assert places.devices_of(Cluster(processes=3)) == ["cpu"] * 3
    assert (
        places.threads_of(3, "cpu") == 2 and places.threads_of(16, "cpu") == 1 and places.threads_of(2, "cuda:0") == 0
    )
    configured(threads=5)
    assert places.threads_of(3, "cpu") == 5


def test_where_people_sign_in_a_cpu_computes_in_a_process_beside_the_server_unless_settings_say_otherwise(
    monkeypatch: pytest.MonkeyPatch, configured: Callable[..., None]
) -> None:
    monkeypatch.setattr(devices, "pick", lambda: torch.device("cpu"))
    configured(access={"login": "none"})
    assert places.devices_of(Cluster()) == []
    configured(access={"login": "proxy", "proxies": ["127.0.0.1"]})
    assert places.devices_of(Cluster()) == ["cpu"] and places.devices_of(Cluster(processes=0)) == []
    configured(demo=True)
    assert places.devices_of(Cluster()) == ["cpu"]


def test_a_process_sees_its_own_card_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert environment("cuda:1", 0)["CUDA_VISIBLE_DEVICES"] == "1"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")
    seen = environment("cuda:1", 3)
    assert (seen["CUDA_VISIBLE_DEVICES"], seen["VITRINE_DEVICE"], seen["OMP_NUM_THREADS"]) == ("7", "cuda", "3")


def test_a_card_that_is_hidden_from_us_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    for left, count in (("0", 1), ("", 0)):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", left)
        with pytest.raises(
            BadRequest, match=f"There is no cuda:1 here: CUDA_VISIBLE_DEVICES is “{left}”, which leaves {count}"
        ):
            environment("cuda:1", 0)
