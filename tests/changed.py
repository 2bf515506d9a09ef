"""Which test files a change touches: `make changed` runs them, `python -m tests.changed [COMMIT]` names them.

A changed module is looked at by the test file at the mirrored place (where there is none, by those of the mirrored folder) and by
those that import it themselves. Where very many do (settings, errors), these are left out, and a line on standard error says so.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from tests.sheet import HOUSE, ROOT, module_arrows, modules

ROOMS = (*HOUSE, "tests", "starter", "bench")
MANY = 8
"""More test files than this are no quick look any more."""
ALWAYS = "tests/test_house.py"


def changed(since: str = "HEAD") -> list[str]:
    """Files that differ from a commit, and those that git does not know yet."""
    asked = (["diff", "--name-only", since], ["ls-files", "--others", "--exclude-standard"])
    return [line for words in asked for line in _git(*words).splitlines()]


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def mirrored(path: str) -> str:
    """Where the test file of a module stands: `engine/core/paths.py` has `tests/engine/core/test_paths.py`."""
    return str(Path("tests", path).with_name(f"test_{Path(path).name}"))


def tests_of(path: str) -> tuple[list[str], int]:
    """The test files that look at a file, and how many more import it than are named."""
    if is_test(path):
        return [path] if (ROOT / path).exists() else [], 0
    names = {str(file.relative_to(ROOT)): name for name, file in modules(ROOT, ROOMS).items()}
    there = (ROOT / mirrored(path)).exists()
    folder = str(Path(mirrored(path)).parent)
    tests = sorted(file for file in names if is_test(file))
    own = [mirrored(path)] if there else [file for file in tests if path in names and str(Path(file).parent) == folder]
    others = [file for file in tests if file not in own and names.get(path) in module_arrows(ROOT, ROOMS)[names[file]]]
    return ([*own, *others], 0) if len(others) <= MANY else (own, len(others))


def is_test(path: str) -> bool:
    """Whether pytest collects this file (those that drive a browser are for `make test`)."""
    return path.startswith("tests/") and Path(path).match("test_*.py") and not path.startswith("tests/browser/")


def named(paths: Iterable[str]) -> list[str]:
    """The test files for these changed files, each once; what is left out is said on standard error."""
    chosen = [ALWAYS]
    for path in paths:
        files, more = tests_of(path)
        chosen += [file for file in files if file not in chosen]
        if more:
            print(f"{path}: {more} more test files import it; `make test` runs them.", file=sys.stderr)
    return chosen


if __name__ == "__main__":
    print(*named(changed(*sys.argv[1:2])))
