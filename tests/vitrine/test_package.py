"""Vitrine as an installed package, outside the repository: its rooms take no names, and other people's take none of its.

Nothing is downloaded: a new environment sees the packages of the one that runs the tests, through a .pth file.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.request
import venv
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.test_contributing import examples
from vitrine.house import ROOMS

pytestmark = pytest.mark.slow

BUILT_FROM = (
    *("app.py", "setup.py", "pyproject.toml", "MANIFEST.in", "requirements.txt", "README.md", "LICENSE"),
    *("vitrine", "engine", "cache", "pages", "starter", ".streamlit"),
)
DECOYS = "import sys; import engine, cache, pages; print(engine.WHOSE, cache.WHOSE, pages.WHOSE)"
EVERY_MODULE = """
import importlib, pathlib, sys
import vitrine
from vitrine.house import HOUSE, ROOMS
files = [file for room in ROOMS for file in sorted((HOUSE / room).rglob("*.py"))]
for file in files:
    parts = file.relative_to(HOUSE).with_suffix("").parts
    if parts[0] == "pages" and len(parts) == 2 and parts[1] != "__init__":
        continue  # scripts that Streamlit runs
    importlib.import_module("vitrine." + ".".join(parts).removesuffix(".__init__"))
print(len(files) > 150, sorted(name for name in sys.modules if name.partition(".")[0] in ROOMS))
"""
USE = """
import sys
import engine, cache, pages
import vitrine, torch
model = vitrine.load("starter-vit")
read = model.read(torch.zeros(2, 3, 96, 96), "blocks.0.mlp.hidden")
import engine.mine
print(read.shape, engine.WHOSE, cache.WHOSE, pages.WHOSE, engine.mine.WHOSE, "engine.core" in sys.modules)
"""
FIRST = """
import vitrine
vitrine.VitrineError
import engine, cache, pages
print(engine.WHOSE, cache.WHOSE, pages.WHOSE, vitrine.VitrineError.__module__)
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a package is built from: building leaves files behind."""
    folder = tmp_path_factory.mktemp("source")
    for name in BUILT_FROM:
        place = ROOT / name
        ignored = shutil.ignore_patterns("__pycache__", "make")
        shutil.copytree(place, folder / name, ignore=ignored) if place.is_dir() else shutil.copy(place, folder / name)
    return folder


@pytest.fixture(scope="module", params=["wheel", "editable"])
def installed(request: pytest.FixtureRequest, source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that Vitrine was installed into, beside packages called engine, cache and pages."""
    folder = tmp_path_factory.mktemp(request.param)
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    paths = {"base": str(folder / "venv"), "platbase": str(folder / "venv")}
    python, site = folder / "venv" / "bin" / "python", Path(sysconfig.get_path("purelib", "venv", vars=paths))
    (site / "packages-of-the-tests.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    what = ["--editable", str(source)] if request.param == "editable" else [str(source)]
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps"]
    subprocess.run([*pip, "--no-build-isolation", "--no-index", "--disable-pip-version-check", *what], check=True)
    for room in ROOMS:
        decoy(site, room, "a package's")
    return python


def decoy(folder: Path, name: str, whose: str) -> None:
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text(f"WHOSE = {whose!r}\n")
    (folder / name / "mine.py").write_text(f"WHOSE = {whose!r}\n")


def said(python: Path, where: Path, *arguments: str, **environment: str) -> str:
    """What a process in another folder prints. It must end well."""
    cleaned = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    cleaned |= environment
    done = subprocess.run([str(python), *arguments], cwd=where, env=cleaned, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_every_module_is_loaded_under_the_package_alone(installed: Path, tmp_path: Path) -> None:
    assert said(installed, tmp_path, "-c", EVERY_MODULE) == "True []"


def test_other_packages_of_these_names_are_still_imported(installed: Path, tmp_path: Path) -> None:
    assert said(installed, tmp_path, "-c", DECOYS) == "a package's a package's a package's"
    assert said(installed, tmp_path, "-c", FIRST) == "a package's a package's a package's vitrine.engine.core.errors"


def test_modules_of_these_names_in_a_persons_own_folder_hide_nothing_and_are_not_hidden(
    installed: Path, tmp_path: Path
) -> None:
    for room in ROOMS:
        decoy(tmp_path, room, "mine")
    shape, *whose, taken = said(installed, tmp_path, "-c", USE).rsplit(maxsplit=5)
    assert shape == "(2, 145, 768)", "the starter's weights came with the package"
    assert (whose, taken) == (["mine"] * 4, "False")


def test_the_command_is_that_of_the_engine(installed: Path, tmp_path: Path) -> None:
    decoy(tmp_path, "engine", "mine")
    command = installed.with_name("vitrine")
    told = said(command, tmp_path, "--help")
    assert told.startswith("usage: vitrine ") and "visualize" in told and "`vitrine app` starts" in told
    assert "blocks.0.mlp.hidden" in said(command, tmp_path, "sites", "starter-vit")


def test_the_package_carries_the_starter_world_and_the_app(installed: Path, tmp_path: Path) -> None:
    carried = (
        "app.py",
        ".streamlit/config.toml",
        "starter/models/starter-vit.safetensors",
        "starter/scenes/kinds.json",
    )
    look = f"from vitrine.house import HOUSE; print(all((HOUSE / name).is_file() for name in {carried}))"
    assert said(installed, tmp_path, "-c", look) == "True"


def test_the_dashboard_starts_from_the_package(installed: Path, tmp_path: Path) -> None:
    decoy(tmp_path, "pages", "mine")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["app", "--server.port", str(port), "--server.address", "127.0.0.1"]
    log = (tmp_path / "log").open("w+b")
    with (
        log,
        subprocess.Popen([installed.with_name("vitrine"), *options], cwd=tmp_path, stdout=log, stderr=log) as server,
    ):
        try:
            assert answers(f"http://127.0.0.1:{port}/_stcore/health", server) == b"ok"
        finally:
            server.terminate()
        server.wait(60)
        log.seek(0)
        assert b"Traceback" not in log.read()


def answers(address: str, server: subprocess.Popen) -> bytes:
    """What a server says as soon as it is there. Fails where it ends before."""
    while server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                return answer.read()
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"the server ended with {server.returncode}")


def test_a_traceback_names_the_file_and_the_line_as_they_are(installed: Path, tmp_path: Path) -> None:
    look = (
        "import inspect, vitrine; from vitrine.engine.core import paths; code = paths.brief.__code__;"
        "lines = open(code.co_filename).read().splitlines(); print(lines[code.co_firstlineno - 1])"
    )
    assert said(installed, tmp_path, "-c", look).startswith("def brief(")


def test_a_plugin_that_imports_from_the_rooms_by_their_plain_names_is_one_of_the_house(
    installed: Path, tmp_path: Path
) -> None:
    """The package of CONTRIBUTING.md as it stands there, beside packages called engine, cache and pages."""
    for path, code in examples().items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(code, encoding="utf-8")
    where = {"VITRINE_PLUGINS": "my_vitrine", "PYTHONPATH": str(tmp_path), "VITRINE_CACHE": str(tmp_path / "cache")}
    command = installed.with_name("vitrine")
    told = json.loads(said(command, tmp_path, "brightness", "--images", "1", "--json", **where))
    assert told["experiment"] == "brightness" and len(told["tables"]["brightness"]) == 1
    assert json.loads(said(installed, tmp_path, "-c", PLUGIN, **where)) == {
        "experiment": ["brightness", "BrightnessRequest"],
        "model": [64, 64],
        "recipe": True,
        "format": True,
        "drawing": True,
        "plain names": [],
        "engine": "a package's",
    }


PLUGIN = """
import json, sys
import vitrine
model = vitrine.load("untrained/resnet10t")
import my_vitrine.brightness
from vitrine.engine.core.experiments import find
from vitrine.engine.data.formats.detect import FORMATS
from vitrine.engine.visualization.recipes import RECIPES
from vitrine.pages.common.experiments import drawings
drawings.load()
plain = sorted(name for name in sys.modules if name.partition(".")[0] in ("engine", "cache", "pages"))
import engine
print(json.dumps({
    "experiment": [find("brightness").name, my_vitrine.brightness.BrightnessRequest.__name__],
    "model": list(model.input_size),
    "recipe": "paper-sketch" in RECIPES,
    "format": FORMATS[0].__name__ == "Rows",
    "drawing": "brightness" in drawings.DRAWINGS,
    "plain names": plain,
    "engine": engine.WHOSE,
}))
"""


def test_in_the_checkout_the_plain_names_are_used(tmp_path: Path) -> None:
    look = "import sys, vitrine; from engine.core import errors; print(vitrine.VitrineError is errors.VitrineError)"
    assert said(Path(sys.executable), ROOT, "-c", look) == "True"
