"""timm's models: known with their preprocessing, loaded from the hub's cache, refused where their file would run code."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from safetensors.torch import save

from engine.core.errors import BadRequest, RefusedFile
from engine.models import catalog
from tests.engine.models.marked import TINY, put_into_cache, tiny


def test_any_timm_model_with_pretrained_weights_is_known_with_its_preprocessing():
    entry = catalog.find("timm/vit_small_patch14_dinov2.lvd142m")
    assert (entry.architecture, entry.input_size, entry.classes) == ("vit_small_patch14_dinov2", (3, 518, 518), None)
    assert entry.licence == "apache-2.0"


def test_a_timm_name_without_tag_means_timms_default_weights():
    assert catalog.find("timm/resnet50").name == "timm/resnet50.a1_in1k"


def test_a_timm_model_in_the_hubs_cache_is_listed_and_loaded_without_network(hub):
    put_into_cache(hub, TINY, "model.safetensors", save(tiny(0.25)))
    entry = next(entry for entry in catalog.entries() if entry.name == f"timm/{TINY}")
    assert entry.available
    model = catalog.load(entry.name, "cpu")
    assert all((tensor == 0.25).all() for tensor in model.module.parameters())
    assert not model.module.training and not any(tensor.requires_grad for tensor in model.module.parameters())
    config: Any = model.module.pretrained_cfg
    assert "state_dict" not in config  # a second copy of the weights
    assert model.class_names is not None and len(model.class_names) == 1000
    assert model.class_names[0] == "tench, Tinca tinca"
    assert model.input_size == (160, 160) and "blocks.0.mlp.hidden" in model.sites


def test_a_pickle_with_code_in_the_hubs_cache_is_refused(hub, tmp_path):
    import pickle
    import subprocess

    class Payload:
        def __reduce__(self):
            return subprocess.call, (["touch", str(tmp_path / "ran")],)

    put_into_cache(hub, TINY, "pytorch_model.bin", pickle.dumps(Payload()))
    with pytest.raises(RefusedFile, match=r"subprocess\.call"):
        catalog.load(f"timm/{TINY}", "cpu")
    assert not (tmp_path / "ran").exists()


def test_timm_weights_that_do_not_fit_are_said(hub):
    put_into_cache(hub, TINY, "model.safetensors", save({"stranger": torch.ones(1)}))
    with pytest.raises(BadRequest, match=f"do not fit timm/{TINY}"):
        catalog.load(f"timm/{TINY}", "cpu")
