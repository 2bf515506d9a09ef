"""Modules of this session are models like any other, known by what they are."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from engine.core.errors import BadRequest
from engine.models import catalog
from engine.models.sources import session

SIZE = (32, 32)


@pytest.fixture(autouse=True)
def nobodys(monkeypatch):
    monkeypatch.setattr(session, "_KEPT", {})


def net(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))


def test_the_catalog_lists_loads_and_fingerprints_it_by_its_name():
    entry = session.add(net(), SIZE, class_names=("cat", "dog"))
    assert catalog.find(entry.name) == entry and entry in catalog.entries()
    loaded = catalog.load(entry.name)
    assert loaded.fingerprint == catalog.fingerprint(entry.name) and entry.name.endswith(loaded.fingerprint[:12])
    assert loaded.class_names == ("cat", "dog") and loaded.input_size == SIZE
    assert not loaded.module.training and not any(part.requires_grad for part in loaded.module.parameters())


def test_the_same_module_is_one_model_and_other_preprocessing_another():
    names = {session.add(net(), SIZE).name, session.add(net(), SIZE).name}
    assert len(names) == 1
    names |= {session.add(net(), (48, 32)).name, session.add(net(), SIZE, mean=(0.5,) * 3).name}
    names |= {session.add(net(), SIZE, std=(0.5,) * 3).name, session.add(net(), SIZE, class_names=("a", "b")).name}
    names |= {session.add(net(1), SIZE).name}
    assert len(names) == 6 and all(name.startswith("mine/Sequential-") for name in names)


def test_half_precision_weights_are_looked_into_in_float32():
    entry = session.add(net().half(), SIZE)
    assert {part.dtype for part in catalog.load(entry.name).module.parameters()} == {torch.float32}


def test_what_cannot_be_copied_is_refused_in_a_sentence():
    module = net()
    module.last = torch.ones(2, requires_grad=True) * 2  # type: ignore[assignment]
    with pytest.raises(BadRequest, match="This Sequential cannot be copied"):
        session.add(module, SIZE)


class Single(nn.Linear):
    def __deepcopy__(self, memo: dict) -> Single:
        raise KeyError("there is one of me")


@pytest.mark.parametrize(
    ("module", "said"),
    [(Single(2, 2), "cannot be copied"), (nn.LazyConv2d(4, 3), "has lazy layers. Run it on an image")],
)
def test_what_a_module_raises_of_its_own_is_a_sentence_too(module, said):
    with pytest.raises(BadRequest, match=said):
        session.add(module, SIZE)
