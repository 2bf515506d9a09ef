"""The import sheet of the house: which package stands on which, how deep, and where there are circles.

`python -m tests.sheet` prints it; `python -m tests.sheet FOLDER` that of another checkout. Read from the source: every
import counts, also those inside functions and those for type checkers only.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HOUSE = ("cache", "engine", "pages", "vitrine")
"""What is drawn: the folders that Vitrine runs from."""
Arrows = Mapping[str, set[str]]


@cache
def modules(root: Path = ROOT, rooms: tuple[str, ...] = HOUSE) -> dict[str, Path]:
    """The modules of a checkout by their names; a package stands for its `__init__.py`."""
    paths = [root / "app.py", *(path for room in rooms for path in sorted((root / room).rglob("*.py")))]
    return {_name(path.relative_to(root)): path for path in paths if path.is_file()}


def _name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: Path) -> Iterator[tuple[str, int]]:
    """Every module that a file imports, anywhere in it, with the line. `from a import b` gives `a.b`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


@cache
def module_arrows(root: Path = ROOT, rooms: tuple[str, ...] = HOUSE) -> Arrows:
    """For each module, the modules of the house that it imports. A name in a module, or a package, counts as that module."""
    known = modules(root, rooms)
    arrows: dict[str, set[str]] = {}
    for name, path in known.items():
        targets = (_module_of(target, known) for target, _ in imported(path))
        arrows[name] = {target for target in targets if target and target != name}
    return arrows


def _module_of(target: str, known: Mapping[str, Path]) -> str | None:
    while target and target not in known:
        target = target.rpartition(".")[0]
    return target or None


@cache
def packages(root: Path = ROOT, rooms: tuple[str, ...] = HOUSE) -> dict[str, list[str]]:
    """The modules of each folder, without its `__init__.py`."""
    inside: dict[str, list[str]] = defaultdict(list)
    for name, path in modules(root, rooms).items():
        if path.name != "__init__.py":
            inside[package_of(name, root, rooms)].append(name)
    return dict(inside)


def package_of(module: str, root: Path = ROOT, rooms: tuple[str, ...] = HOUSE) -> str:
    """The folder that a module lies in; a package is its own folder."""
    return module if modules(root, rooms)[module].name == "__init__.py" else module.rpartition(".")[0] or module


@cache
def package_arrows(root: Path = ROOT, rooms: tuple[str, ...] = HOUSE) -> Arrows:
    """For each package, the others that it imports from. What an `__init__.py` above everything says (the version) is free."""
    arrows: dict[str, set[str]] = {package: set() for package in packages(root, rooms)}
    for module, targets in module_arrows(root, rooms).items():
        package = package_of(module, root, rooms)
        others = {package_of(target, root, rooms) for target in targets if target not in rooms}
        arrows.setdefault(package, set()).update(others - {package})
    return arrows


def circles(arrows: Arrows) -> list[list[str]]:
    """Groups that can be reached from each other (strongly connected components of two or more; Tarjan, 1972)."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    open_: list[str] = []
    groups: list[list[str]] = []

    def visit(node: str) -> None:
        order[node] = lowest[node] = len(order)
        open_.append(node)
        for target in sorted(arrows.get(node, ())):
            if target not in order:
                visit(target)
                lowest[node] = min(lowest[node], lowest[target])
            elif target in open_:
                lowest[node] = min(lowest[node], order[target])
        if lowest[node] == order[node]:
            cut = open_.index(node)
            groups.append(sorted(open_[cut:]))
            del open_[cut:]

    for node in sorted(arrows):
        if node not in order:
            visit(node)
    return sorted(group for group in groups if len(group) > 1)


def depths(arrows: Arrows) -> dict[str, int]:
    """How high each stands: 1 for what imports nothing, otherwise one above the highest that it imports. Those in one
    circle stand together."""
    together = {node: tuple(group) for group in circles(arrows) for node in group}
    known: dict[tuple[str, ...], int] = {}

    def depth(group: tuple[str, ...]) -> int:
        if group not in known:
            below = {together.get(target, (target,)) for node in group for target in arrows.get(node, ())} - {group}
            known[group] = 1 + max(map(depth, below), default=0)
        return known[group]

    return {node: depth(together.get(node, (node,))) for node in arrows}


def sheet(root: Path = ROOT, rooms: tuple[str, ...] = HOUSE) -> str:
    """The import sheet in words: each package with what it stands on, from the ground up, and the sums."""
    between, inside = package_arrows(root, rooms), module_arrows(root, rooms)
    heights, sizes = depths(between), packages(root, rooms)
    lines = [
        f"{heights[name]:>2}  {name} ({len(sizes.get(name, ()))})"
        + (" <- " + ", ".join(sorted(below)) if below else "")
        for name, below in sorted(between.items(), key=lambda row: (heights[row[0]], row[0]))
    ]
    for what, arrows in (("packages", between), ("modules", inside)):
        rings = circles(arrows)
        number = sum(map(len, arrows.values()))
        levels = max(depths(arrows).values(), default=0)
        lines.append(f"{len(arrows)} {what}: {levels} levels, {number} arrows, {len(rings)} circles")
        lines += [f"    circle: {', '.join(ring)}" for ring in rings]
    return "\n".join(lines)


if __name__ == "__main__":
    print(sheet(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT))
