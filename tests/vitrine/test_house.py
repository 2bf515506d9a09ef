"""How the rooms are imported from an installed package: what an import statement becomes, and whose names are used."""

from __future__ import annotations

import ast
import sys
from functools import cache
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace

import pytest

from vitrine import house


@pytest.mark.parametrize(
    ("written", "becomes"),
    [
        ("from engine.core.paths import brief", "from vitrine.engine.core.paths import brief"),
        ("from engine import __version__", "from vitrine.engine import __version__"),
        ("from cache.blob import Blob as B", "from vitrine.cache.blob import Blob as B"),
        ("import engine.core.paths as paths", "import vitrine.engine.core.paths as paths"),
        ("import pages", "import vitrine.pages as pages\nimport vitrine.pages as pages"),
        ("import engines, enginesmith.engine", "import engines\nimport enginesmith.engine"),
        ("from functools import cache", "from functools import cache"),
        ("from .engine import jobs", "from .engine import jobs"),
        ("def f():\n    from engine import jobs", "def f():\n    from vitrine.engine import jobs"),
    ],
)
def test_imports_of_rooms_become_imports_from_the_package_and_no_others(written, becomes):
    assert ast.unparse(house.Renamed().visit(ast.parse(written))) == becomes


def test_a_plain_import_loads_the_submodule_and_binds_the_room(monkeypatch):
    tree = house.Renamed().visit(ast.parse("import engine.core.paths\nkept = engine.core.paths.brief"))
    vitrine, engine, core, paths = (ModuleType(name) for name in ("vitrine", "engine", "core", "paths"))
    vitrine.engine, engine.core, core.paths, paths.brief = engine, core, paths, "brief"  # type: ignore[attr-defined]
    for name, module in (("", vitrine), (".engine", engine), (".engine.core", core), (".engine.core.paths", paths)):
        monkeypatch.setitem(sys.modules, f"vitrine{name}", module)
    names: dict = {}
    exec(compile(tree, "a file", "exec"), names)
    assert names["kept"] == "brief" and names["engine"] is engine


def test_here_the_plain_names_are_the_houses_until_one_of_them_is_somebody_elses(monkeypatch):
    assert house.plain_names_are_ours()
    for spec in (None, ModuleSpec("pages", None, origin="/elsewhere/pages/__init__.py")):
        stranger = ModuleType("pages")
        stranger.__spec__ = spec
        monkeypatch.setitem(sys.modules, "pages", stranger)
        assert not house.plain_names_are_ours()


def test_what_is_compiled_for_the_package_is_kept_apart_from_what_python_keeps():
    assert house._kept("/x/__pycache__/paths.cpython-311.pyc") == "/x/__pycache__/paths.cpython-311.vitrine.pyc"
    assert house._kept("/x/paths.py") == "/x/paths.py"


def test_modules_of_plugins_are_compiled_like_the_houses_once_the_settings_were_read(monkeypatch, tmp_path):
    (tmp_path / "guest.py").write_text("from engine.core.paths import brief\n")
    (tmp_path / "stranger.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    finder = house.HouseFinder()
    monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path])
    config = ModuleType("config")
    monkeypatch.setitem(sys.modules, "vitrine.engine.core.config", config)
    assert finder.find_spec("guest") is None, "while the module of the settings is being imported"
    config.settings = cache(lambda: SimpleNamespace(plugins=("guest.experiments",)))  # type: ignore[attr-defined]
    assert finder.find_spec("guest") is None and not config.settings.cache_info().currsize, (
        "it reads no settings itself"
    )
    config.settings()
    spec = finder.find_spec("guest")
    assert spec is not None and isinstance(spec.loader, house.HouseLoader)
    assert "vitrine.engine.core.paths" in spec.loader.get_code("guest").co_names
    assert finder.find_spec("stranger") is None and finder.find_spec("guest.nowhere", [str(tmp_path)]) is None
