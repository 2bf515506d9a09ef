"""Where the house stands, and under which names its rooms are imported. Knows the standard library only.

The rooms are called `engine`, `cache` and `pages`: names that anybody's project may have too. So an installed Vitrine puts
none of them beside other packages. They lie inside this package (or, installed with `pip install -e`, in the checkout) and
are imported as `vitrine.engine`, `vitrine.cache` and `vitrine.pages`: an import hook reads their unchanged files and compiles
each `from engine.core import ...` in them as `from vitrine.engine.core import ...`. A module called `engine` of yours stays
yours, whichever is imported first, and neither hides the other. The modules of plugins, which bring something to Vitrine and say
`from engine.core.experiments import experiment`, are compiled like the house's own.

Where the plain names mean this very house (a Python that runs in the checkout, as tests and `streamlit run app.py` do),
they are used as they are, so that no module is ever loaded twice.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

DOOR = Path(__file__).resolve().parent
HOUSE = DOOR if (DOOR / "engine").is_dir() else DOOR.parent
"""The folder that has the rooms, `app.py` and `starter/`: this package where it was built, the checkout otherwise."""
ROOMS = ("engine", "cache", "pages")


def open_door() -> None:
    """Make the rooms importable from this package, under the names that they have in this process."""
    if not plain_names_are_ours() and not any(isinstance(finder, HouseFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, HouseFinder())


def plain_names_are_ours() -> bool:
    """Whether `import engine` (and `cache`, and `pages`) would import this house's."""
    return all(_origin(room) == HOUSE / room / "__init__.py" for room in ROOMS)


def _origin(name: str) -> Path | None:
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):  # a module that somebody made by hand has no spec
        return None
    return Path(spec.origin).resolve() if spec and spec.has_location and spec.origin else None


class HouseFinder(MetaPathFinder):
    """Finds `vitrine.engine...`, `vitrine.cache...`, `vitrine.pages...`, the modules of this package itself, and plugins'."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        top, *parts = fullname.split(".")
        if top in _plugins():
            return _as_ours(_found_elsewhere(self, fullname, path, target))
        if top != __package__ or not parts:
            return None
        place = (HOUSE if parts[0] in ROOMS else DOOR).joinpath(*parts)
        if (package := place / "__init__.py").is_file():
            return _spec(fullname, package, [str(place)])
        module = place.parent / f"{place.name}.py"
        return _spec(fullname, module, None) if module.is_file() else None


def _spec(name: str, file: Path, folders: list[str] | None) -> ModuleSpec | None:
    loader = HouseLoader(name, str(file))
    return importlib.util.spec_from_file_location(name, file, loader=loader, submodule_search_locations=folders)


def _plugins() -> set[str]:
    """The packages that the settings name as plugins. Nobody imports one as a plugin before the settings were read."""
    config = sys.modules.get(f"{__package__}.engine.core.config")
    settings = getattr(config, "settings", None)  # not there yet while the module itself is being imported
    if settings is None or not settings.cache_info().currsize:
        return set()
    return {name.partition(".")[0] for name in settings().plugins}


def _found_elsewhere(ours: MetaPathFinder, *asked: Any) -> ModuleSpec | None:
    """What Python's other finders say."""
    others = (finder for finder in sys.meta_path if finder is not ours)
    return next(filter(None, (finder.find_spec(*asked) for finder in others)), None)


def _as_ours(spec: ModuleSpec | None) -> ModuleSpec | None:
    """The same module from the same file, compiled as the house's are."""
    if spec is not None and spec.origin and type(spec.loader) is SourceFileLoader:
        spec.loader = HouseLoader(spec.name, spec.origin)
    return spec


class HouseLoader(SourceFileLoader):
    """Loads an unchanged file of the house or of a plugin, with its imports of rooms meaning this package's."""

    def source_to_code(self, data: Any, path: Any, *, _optimize: int = -1) -> Any:  # type: ignore[override]
        tree = Renamed().visit(ast.parse(data, path))
        return compile(tree, path, "exec", dont_inherit=True, optimize=_optimize)

    # What is compiled is kept beside what Python compiles of the same file under its plain name.
    def get_data(self, path: Any) -> bytes:
        return super().get_data(_kept(path))

    def set_data(self, path: Any, data: Any, *, _mode: int = 0o666) -> None:
        super().set_data(_kept(path), data, _mode=_mode)


def _kept(path: str) -> str:
    return f"{path[:-4]}.vitrine.pyc" if path.endswith(".pyc") else path


class Renamed(ast.NodeTransformer):
    """Imports of rooms, as imports from this package. Lines stay where they are, so tracebacks fit the files."""

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom:
        if not node.level and node.module and _is_room(node.module):
            node.module = f"{__package__}.{node.module}"
        return node

    def visit_Import(self, node: ast.Import) -> list[ast.stmt]:
        """`import engine.core.paths` loads that module and binds `engine`; so do the two statements it becomes."""
        statements: list[ast.stmt] = []
        for alias in node.names:
            if not _is_room(alias.name):
                statements.append(ast.Import([alias]))
                continue
            whole, room = f"{__package__}.{alias.name}", alias.name.partition(".")[0]
            if alias.asname:
                statements.append(ast.Import([ast.alias(whole, alias.asname)]))
            else:
                both = (ast.alias(whole, room), ast.alias(f"{__package__}.{room}", room))
                statements += [ast.Import([name]) for name in both]
        return [ast.fix_missing_locations(ast.copy_location(each, node)) for each in statements]


def _is_room(module: str) -> bool:
    return module.partition(".")[0] in ROOMS
