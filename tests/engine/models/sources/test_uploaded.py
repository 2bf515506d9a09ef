"""Checkpoints that people upload: safetensors that fit, where the operator allows it, theirs to delete."""

from __future__ import annotations

import io
import pickle
import threading
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save

from engine.core.errors import BadRequest, Forbidden, RefusedFile
from engine.data import belongings
from engine.models import catalog
from engine.models.sources import uploaded
from engine.people.person import Person

ANN = Person("ann", role="member")
ARCHITECTURE = "test_resnet"


@pytest.fixture(autouse=True)
def allowed(own_store: Path, configured) -> None:
    configured(limits={"checkpoints": True})


def weights(classes: int = 7) -> bytes:
    torch.manual_seed(0)
    return save(timm.create_model(ARCHITECTURE, num_classes=classes).state_dict())


def test_a_checkpoint_that_fits_is_a_model_from_then_on_until_its_owner_deletes_it() -> None:
    name = uploaded.keep(weights(), "mine.safetensors", ARCHITECTURE, ANN)
    model = catalog.load(name, "cpu")
    assert model.module(torch.zeros(1, 3, *model.input_size)).shape == (1, 7)
    (mine,) = belongings.stored(ANN)
    assert (mine.kind, mine.name) == ("checkpoints", "mine.safetensors")
    assert belongings.remove(ANN, mine.kind, mine.digest) and [*uploaded.folder().iterdir()] == []
    with pytest.raises(BadRequest, match="was deleted, or never uploaded here"):
        catalog.find(name)


def test_of_two_who_bring_the_same_at_once_both_own_it(monkeypatch: pytest.MonkeyPatch) -> None:
    check, bob = uploaded._check, Person("bob", role="member")
    second = threading.Thread(target=lambda: uploaded.keep(weights(), "his", ARCHITECTURE, bob))

    def while_another_comes(*given: Any) -> None:
        check(*given)
        monkeypatch.setattr(uploaded, "_check", check)
        second.start()
        second.join(30)

    monkeypatch.setattr(uploaded, "_check", while_another_comes)
    uploaded.keep(weights(), "hers", ARCHITECTURE, ANN)
    assert [[each.name for each in belongings.stored(person)] for person in (ANN, bob)] == [["hers"], ["his"]]
    assert {path.suffix for path in uploaded.folder().iterdir()} == {".safetensors", ".json", belongings.SUFFIX}


def test_it_is_refused_where_the_operator_does_not_allow_it(configured) -> None:
    configured(limits={})
    with pytest.raises(Forbidden, match="Checkpoints cannot be uploaded here"):
        uploaded.keep(weights(), "mine", ARCHITECTURE, ANN)


def test_a_viewer_uploads_none() -> None:
    with pytest.raises(Forbidden, match="You may not upload files"):
        uploaded.keep(weights(), "mine", ARCHITECTURE, Person("vic", role="viewer"))


class Runs:
    def __reduce__(self):
        return print, ("it ran",)


def torch_file() -> bytes:
    buffer = io.BytesIO()
    torch.save({"weight": torch.zeros(3)}, buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("data", [b"", b"{", pickle.dumps(Runs()), torch_file(), b"\xff" * 100, weights()[:-9]])
def test_nothing_but_whole_safetensors_is_kept_and_nothing_runs(data: bytes, capsys) -> None:
    with pytest.raises(RefusedFile, match="is not a safetensors file"):
        uploaded.keep(data, "mine.bin", ARCHITECTURE, ANN)
    assert "it ran" not in capsys.readouterr().out and [*uploaded.folder().iterdir()] == []


@pytest.mark.parametrize("architecture", ["test_vit", "no_such_network", "open_clip/ViT-B-32", "../../etc", ""])
def test_weights_of_another_architecture_are_not_kept(architecture: str) -> None:
    with pytest.raises(BadRequest):
        uploaded.keep(weights(), "mine", architecture, ANN)
    assert [*uploaded.folder().iterdir()] == []


def test_a_huge_architecture_costs_no_memory_to_refuse() -> None:
    with pytest.raises(BadRequest, match="do not fit"):
        uploaded.keep(weights(), "mine", "vit_giant_patch14_224", ANN)
