"""The experiments there are: what each is called, where it stands, what it applies to, and which page shows it.

An experiment is a request class under `@experiment(...)`. The registry knows all of them whatever happens to be imported:
the engine's files, and those of the modules that the setting `plugins` names, are read (not run) for the decorator. So
help and refusals wait for no experiment, and a stored request is read back by importing the one module that it needs.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from engine.core.config import settings
from engine.core.errors import BadRequest
from engine.core.paths import brief
from engine.core.request import Request, build

Page = Literal["visualize", "spatial", "reliance", "concepts", "photo"]
"""The pages that show experiments, by the names of their sections."""
ModelNeed = Literal["classes", "attention", "text"]
"""What a model must have: classes to answer in, attention, a text tower."""
DataNeed = Literal["labels", "boxes", "masks", "places", "tags", "matched sets", "variations"]
"""What must be known of a data set's images (see `gives` of `engine.data.dataset.Dataset`)."""
Kind = TypeVar("Kind", bound=type[Request])
_MARK = "experiment"
_DRAWS = re.compile(r"^\s*(?:from|import) +(?:streamlit|(?:vitrine\.)?pages)\b", re.MULTILINE)


@dataclass(frozen=True)
class Experiment:
    """One experiment. `about` is one sentence; a `part` is only ever a step of others; `module` and `class_name` say where
    its request stands."""

    name: str
    title: str
    about: str
    page: Page
    module: str
    class_name: str
    models: tuple[ModelNeed, ...] = ()
    data: tuple[DataNeed, ...] = ()
    part: bool = False

    def __post_init__(self) -> None:
        for given, known in ((self.models, ModelNeed), (self.data, DataNeed), ((self.page,), Page)):
            for word in given:
                if word not in get_args(known):
                    raise ValueError(f"{self.class_name}: “{word}” is not one of {', '.join(get_args(known))}")

    @property
    def kind(self) -> type[Request]:
        """The class of its requests; imports its module."""
        if self.name not in _KINDS:
            importlib.import_module(self.module)
        return _KINDS[self.name]

    @property
    def needs(self) -> tuple[str, ...]:
        """What it applies to, in words: a model with ..., images with ..."""
        return (*(f"a model with {need}" for need in self.models), *(f"images with {need}" for need in self.data))


_PARSING = threading.Lock()
_KINDS: dict[str, type[Request]] = {}
_MARKED: dict[str, Experiment] = {}


def experiment(
    *,
    title: str,
    about: str,
    page: Page,
    models: tuple[ModelNeed, ...] = (),
    data: tuple[DataNeed, ...] = (),
    part: bool = False,
) -> Callable[[Kind], Kind]:
    """Class decorator that makes a request an experiment. All arguments are written out as plain values, since they are read
    without running the file. Raises ValueError where something is not one of the known words, or the name is another's."""

    def mark(kind: Kind) -> Kind:
        made = Experiment(kind.experiment, title, about, page, kind.__module__, kind.__name__, models, data, part)
        known = _MARKED.get(made.name)
        if known is not None and (known.module, known.class_name) != (made.module, made.class_name):
            raise ValueError(f"two experiments are called “{made.name}”: {known.module} and {made.module}")
        _MARKED[made.name], _KINDS[made.name] = made, kind
        return kind

    return mark


def experiments() -> dict[str, Experiment]:
    """Every experiment by its name: built-in ones in the order of their files, then those of plugins, then those that a
    program or a notebook has made itself. Raises BadRequest for a plugin that cannot be read."""
    found = {**_built_in()}
    for module in settings().plugins:
        for each in _of_plugin(module):
            if found.setdefault(each.name, each).module != each.module:
                raise BadRequest(
                    f"plugins: {module} has an experiment “{each.name}”, and so has {found[each.name].module}. Rename one."
                )
    return found | _MARKED


def of_page(page: Page) -> list[Experiment]:
    """The experiments that a page shows, without those that are only steps of others."""
    return [each for each in experiments().values() if each.page == page and not each.part]


def find(name: str) -> Experiment:
    """The experiment of this name. Raises BadRequest where there is none."""
    known = experiments()
    if name not in known:
        raise BadRequest(f"There is no experiment “{brief(name)}”. Choose one of {', '.join(known)}.")
    return known[name]


def parse_request(facts: Mapping[str, Any] | str) -> Request:
    """A request from its canonical JSON (or the dict of it). Raises BadRequest for anything else."""
    try:
        fields = dict(json.loads(facts) if isinstance(facts, str) else facts)
        kind = experiments()[fields.pop("experiment")].kind
        fields.pop("version", None)
    except (ValueError, TypeError, KeyError):
        raise BadRequest("This is not a valid request.") from None
    return build(kind, **fields)


def import_plugins(naming: str = "") -> None:
    """Import the modules of plugins: whatever they register is known then. Those that draw know Streamlit, and are imported
    only where they are asked for: by the name of a module of pages that they import (`naming`). Raises BadRequest where one
    cannot be imported."""
    for plugin in settings().plugins:
        for module, path in _files(plugin):
            text = path.read_text(encoding="utf-8")
            if naming in text if naming else not _DRAWS.search(text):
                try:
                    importlib.import_module(module)
                except Exception as error:
                    reason = f"{type(error).__name__}: {error}".rstrip(". ")
                    raise BadRequest(f"plugins: {module} cannot be imported: {reason}.") from error


@cache
def _built_in() -> dict[str, Experiment]:
    engine, root = __name__.partition(".core.")[0], Path(__file__).parents[1]
    return {entry.name: entry for module, path in _inside(engine, root) for entry in _read(path, module)}


@cache
def _of_plugin(plugin: str) -> tuple[Experiment, ...]:
    """The experiments in a plugin's module, or in all modules of its package."""
    try:
        return tuple(entry for module, path in _files(plugin) for entry in _read(path, module))
    except (OSError, SyntaxError, TypeError, ValueError) as error:
        raise BadRequest(f"plugins: {plugin} cannot be read: {error}.") from error


def _files(plugin: str) -> list[tuple[str, Path]]:
    """A plugin's modules, with their files: itself, or all that are in its package."""
    try:
        spec = importlib.util.find_spec(plugin)
    except ImportError:
        spec = None
    if spec is None or spec.origin is None:
        raise BadRequest(
            f"plugins: there is no module “{brief(plugin)}” here. Install it, or take it out of the setting."
        )
    file = Path(spec.origin)
    return [(plugin, file)] if spec.submodule_search_locations is None else _inside(plugin, file.parent)


def _inside(package: str, folder: Path) -> list[tuple[str, Path]]:
    """All modules of a package, with their files."""
    found = []
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        found.append((".".join((package, *(parts[:-1] if parts[-1] == "__init__" else parts))), path))
    return found


def _read(path: Path, module: str) -> Iterator[Experiment]:
    """What the decorators in a file say. Raises ValueError for one whose arguments are not written out."""
    text = path.read_text(encoding="utf-8")
    if f"@{_MARK}(" not in text:
        return
    with _PARSING:  # Python 3.11 fails now and then where two threads parse at once
        body = ast.parse(text, str(path)).body
    for node in body:
        for mark in node.decorator_list if isinstance(node, ast.ClassDef) else ():
            if isinstance(node, ast.ClassDef) and isinstance(mark, ast.Call) and ast.unparse(mark.func) == _MARK:
                given = {word.arg: ast.literal_eval(word.value) for word in mark.keywords if word.arg}
                yield Experiment(name=_name(node), module=module, class_name=node.name, **given)


def _name(node: ast.ClassDef) -> str:
    """What the class's body says for `experiment`."""
    for line in node.body:
        targets = (
            line.targets if isinstance(line, ast.Assign) else [line.target] if isinstance(line, ast.AnnAssign) else []
        )
        if any(isinstance(target, ast.Name) and target.id == "experiment" for target in targets):
            return str(ast.literal_eval(line.value))  # type: ignore[attr-defined]
    raise ValueError(f"{node.name} does not write out what its experiment is called")
