"""How the rooms are imported from an installed package: what an import statement becomes, and whose names are used."""

from __future__ import annotations

import ast
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

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
