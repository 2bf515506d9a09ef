"""CONTRIBUTING.md keeps its word: its examples, as they stand there, are known to the command line, the registry and a page."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```python\n# (?P<path>\S+\.py)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


def examples() -> dict[str, str]:
    """The document's Python blocks by the file that their first line names."""
    return {block["path"]: block["code"] for block in BLOCK.finditer(TEXT)}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package of the examples, settings that name it, a data file in its format, and an empty cache."""
    folder = tmp_path_factory.mktemp("contributed")
    for path, code in examples().items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(code, encoding="utf-8")
    grey = np.stack([np.full((8, 8, 3), value, np.uint8) for value in (0, 60, 120, 180)])
    np.savez(folder / "greys.npz", images=grey, labels=np.array([0, 0, 1, 1]), names=np.array(["dark", "light"]))
    (folder / "vitrine.toml").write_text('[data_folders]\ngreys = "greys.npz"\n')
    return folder


@pytest.fixture(scope="module")
def python_here(place: Path, python: str) -> Callable[..., str]:
    """Run Python with the package as a plugin; what it prints."""

    def ran(*words: str) -> str:
        environment = {
            **os.environ,
            "VITRINE_CACHE": str(place / "cache"),
            "VITRINE_CONFIG": str(place / "vitrine.toml"),
            "VITRINE_PLUGINS": "my_vitrine",
            "PYTHONPATH": os.pathsep.join((str(place), str(ROOT))),
        }
        done = subprocess.run([python, *words], cwd=ROOT, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return ran


def test_every_block_of_python_is_a_file_of_the_package_with_a_docstring() -> None:
    assert TEXT.count("```python") == len(examples())
    assert all(path.startswith("my_vitrine/") and code.lstrip().startswith('"""') for path, code in examples().items())


def test_the_commands_and_files_that_it_names_exist() -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z]+)", TEXT)) <= targets
    named = re.findall(r"`((?:tests|engine|pages|docs)/[\w/]+(?:\.\w+|/))`", TEXT)
    assert len(named) > 5
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_experiment_is_in_the_registry_and_on_the_command_line(
    python_here: Callable[..., str], place: Path
) -> None:
    listed = json.loads(python_here("-m", "engine", "experiments", "--json"))["experiments"]
    (mine,) = (each for each in listed if each["experiment"] == "brightness")
    assert (mine["title"], mine["page"]) == ("Brightness", "reliance")
    told = json.loads(python_here("-m", "engine", "brightness", "--data", "greys", "--images", "4", "--json"))
    assert [row["grey"] for row in told["tables"]["brightness"]] == [0, 60, 120, 180], (
        "in the format that the package brings"
    )


def test_its_section_is_drawn_on_its_page(python_here: Callable[..., str]) -> None:
    shown = json.loads(python_here("-c", PAGE))
    assert shown == {"problems": [], "metrics": [["Mean grey", "30.0"]]}


PAGE = """
import json
from streamlit.testing.v1 import AppTest
from engine.core.experiments import find, import_plugins
from engine.core import config
from engine.jobs.runner import Runner

import_plugins()
request = find("brightness").kind(data="greys", images=2)
Runner(config.store()).fetch(request, lambda progress: None)
app = AppTest.from_file("app.py", default_timeout=120).run().switch_page("pages/background.py")
app.query_params.update(experiment="brightness", data="greys", images="2")
app.run()
problems = [each.value for kind in (app.exception, app.error, app.warning) for each in kind]
print(json.dumps({"problems": problems, "metrics": [[each.label, each.value] for each in app.metric]}))
"""


def test_the_recipe_is_known_to_the_command_line_by_its_name(python_here: Callable[..., str]) -> None:
    words = ("-m", "engine", "visualize", "starter-cnn@stem:0", "--recipe", "paper-sketch", "--data", "greys", "--json")
    told = json.loads(python_here(*words))
    assert told["request"]["recipe"] == "paper-sketch" and len(told["units"]) == 1
    assert "reconstruct, paper-sketch, or a .toml" in " ".join(
        python_here("-m", "engine", "visualize", "--help").split()
    )


def test_the_models_of_the_source_are_listed_and_looked_into(python_here: Callable[..., str]) -> None:
    listed = json.loads(python_here("-m", "engine", "models", "--json"))["models"]
    mine = [model["name"] for model in listed if model["kind"] == "untrained"]
    assert mine == ["untrained/resnet10t", "untrained/mobilenetv3_small_050"] and len(listed) > len(mine)
    words = (f"{mine[1]}@head.logits:7", "--recipe", "paper-sketch", "--data", "greys", "--json")
    (unit,) = json.loads(python_here("-m", "engine", "visualize", *words))["units"]
    assert unit["unit"] == 7


def test_the_pages_offer_its_models_and_recipe_and_open_its_data(python_here: Callable[..., str]) -> None:
    shown = json.loads(python_here("-c", PAGES))
    assert shown["problems"] == []
    assert "untrained/resnet10t" in shown["names"]
    assert "64 × 64 pixels" in shown["card"] and "resnet10t · Random weights" in shown["card"]
    assert {"untrained/resnet10t", "untrained/mobilenetv3_small_050"} <= set(shown["models"])
    assert shown["recipes"][-1] == "paper-sketch" and "greys" in shown["data"]
    labelled = ["Object and background", "Spatial frequency", "Texture and shape", "Gradient spectrum"]
    assert shown["measures"] == labelled, "those for images whose labels are all that is known"


# Plugins are imported by the server alone, as it starts.
PAGES = """
import json
from streamlit.testing.v1 import AppTest

def opened(page):
    return AppTest.from_file("app.py", default_timeout=120).run().switch_page(f"pages/{page}.py").run()

models = opened("models")
names = [each.value.replace("\\\\", "") for each in models.subheader]
cards = [each.value for each in models.markdown if "resnet10t" in each.value]
visualize, reliance = opened("feature_visualization"), opened("background")
reliance = next(each for each in reliance.selectbox if each.label == "Images").set_value("greys").run()
problems = [each.value for app in (models, visualize, reliance) for kind in (app.exception, app.error) for each in kind]
print(json.dumps({
    "problems": problems,
    "names": names,
    "card": cards[0],
    "models": visualize.selectbox(key="fv_a_model").options,
    "recipes": visualize.radio(key="fv_recipe").options,
    "data": visualize.selectbox(key="fv_data").options,
    "measures": next(each.options for each in reliance.multiselect if each.label == "Experiments"),
}))
"""


def test_the_architecture_has_query_key_and_value(python_here: Callable[..., str]) -> None:
    assert json.loads(python_here("-c", NETWORK)) == ["key", "query", "value"]


NETWORK = """
import json
import timm
from torch import nn
from engine.core.experiments import import_plugins
from engine.sites.access import discover

import_plugins()

class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.to_q, self.to_k, self.to_v, self.out = (nn.Linear(32, 32) for _ in range(4))

    def forward(self, tokens, **kwargs):
        query, key, value = self.to_q(tokens), self.to_k(tokens), self.to_v(tokens)
        return self.out((query @ key.mT / 32**0.5).softmax(-1) @ value)

model = timm.create_model("vit_tiny_patch16_224", img_size=64, depth=2, embed_dim=32, num_heads=2, num_classes=5)
for block in model.blocks:
    block.attn = Attention()
sites = discover(model.eval(), (64, 64))
print(json.dumps(sorted(name.rpartition(".")[2] for name in sites if name.startswith("blocks.1.attn.") and "out" not in name)))
"""
