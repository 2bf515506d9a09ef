"""What identifies a person's module: the same in every session, and another as soon as it would answer differently."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import timm
import torch
from torch import nn

from engine.models.sources import identity
from tests.conftest import ROOT

WRITTEN = """
import torch
from torch import nn

SCALE = 2.0

class Common:
    @staticmethod
    def most(values):
        return values.clamp(max=9)

class Limit(Common):
    pass

def bend(values):
    return Limit.most(torch.relu(values) * SCALE)

class Base(nn.Module):
    def last(self, values):
        return values.mean((2, 3))

class Net(Base):
    def __init__(self, stride=1):
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, stride=stride)
        self.kind = "plain"
        self.register_buffer("mask", torch.ones(4, 1, 1), persistent=False)

    def forward(self, images):
        return self.last(bend(self.first(images)) * self.mask)

torch.manual_seed(0)
"""


def made(folder: Path, text: str = WRITTEN, **arguments: int) -> nn.Module:
    """A module as a person's file makes it; the file is read anew each time."""
    file = folder / f"net{len([*folder.iterdir()])}.py"
    file.write_text(text)
    names: dict = {"__name__": file.stem, "__file__": str(file)}
    sys.modules[file.stem] = module = type(sys)(file.stem)
    module.__dict__.update(names)
    exec(compile(text, str(file), "exec"), module.__dict__)
    return module.Net(**arguments)


def test_the_same_file_gives_the_same_in_another_file_and_in_another_process(tmp_path):
    here = identity.of(made(tmp_path))
    assert here == identity.of(made(tmp_path))
    end = "\nfrom engine.models.sources import identity\nprint(identity.of(Net()))"
    (tmp_path / "script.py").write_text(f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{WRITTEN}{end}")
    done = subprocess.run([sys.executable, str(tmp_path / "script.py")], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == here


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("values.mean((2, 3))", "values.amax((2, 3))"),  # a base class
        ("torch.relu(values)", "torch.tanh(values)"),  # a function of the file
        ("max=9", "max=8"),  # a base of a class that the function names
        ("SCALE = 2.0", "SCALE = 3.0"),  # a value that the function names
        ("bend(self.first(images))", "self.first(images)"),  # the class itself
        ('"plain"', '"fancy"'),  # a setting
        ("torch.ones(4, 1, 1)", "torch.zeros(4, 1, 1)"),  # a buffer that is not saved
        ("manual_seed(0)", "manual_seed(1)"),  # the weights
    ],
)
def test_other_code_settings_or_tensors_are_another_module(tmp_path, old, new):
    assert old in WRITTEN
    assert identity.of(made(tmp_path)) != identity.of(made(tmp_path, WRITTEN.replace(old, new)))


def test_a_librarys_layer_with_other_settings_is_another_module(tmp_path):
    assert identity.of(made(tmp_path)) != identity.of(made(tmp_path, stride=2))


@pytest.mark.parametrize(
    "change",
    [
        lambda net: net.register_forward_hook(lambda module, args, output: output + 1),
        lambda net: setattr(net, "last", lambda values: values.sum((2, 3))),
        lambda net: net.mask.mul_(0.5),
    ],
)
def test_what_is_done_to_one_module_after_it_was_made_counts(tmp_path, change: Callable[[nn.Module], None]):
    net = made(tmp_path)
    change(net)
    assert identity.of(net) != identity.of(made(tmp_path))


def test_how_a_module_is_about_to_be_used_does_not_count(tmp_path):
    net = made(tmp_path)
    before = identity.of(net)
    net.eval().requires_grad_(False)
    with torch.inference_mode():
        net(torch.zeros(1, 3, 8, 8))
        assert identity.of(net) == before


def test_code_that_a_library_brought_is_known_by_its_name(tmp_path):
    torch.manual_seed(0)
    assert identity._sources(timm.create_model("resnet10t", channels=(8, 16, 24, 32))) == set()


def test_a_class_without_a_file_is_known_by_what_its_methods_do():
    def typed(text: str) -> nn.Module:
        names: dict = {"nn": nn, "__name__": "__main__"}
        exec(text, names)
        return names["Net"]()

    first = "class Net(nn.Module):\n    def forward(self, images):\n        return images * 2"
    assert identity.of(typed(first)) == identity.of(typed(first)) != identity.of(typed(first.replace("2", "3")))
