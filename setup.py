"""What `pip install` needs beyond pyproject.toml: the house goes into the package `vitrine`, so that its rooms (`engine`,
`cache`, `pages`) take no names beside other packages. `vitrine/house.py` says how they are imported from there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
ROOMS = ("engine", "cache", "pages", "starter", ".streamlit")
LEFT_OUT = {"__pycache__", "make", "secrets.toml"}
"""What is not needed to run (`make`: what made the starter world), and what is nobody else's."""


class WithHouse(build_py):
    """Builds the package, and puts the files of the house into it. An editable install uses those of the checkout."""

    def run(self) -> None:
        super().run()
        for source, target in self._house():
            self.mkpath(str(Path(target).parent))
            self.copy_file(str(source), target)

    def _house(self) -> Iterator[tuple[Path, str]]:
        if self.editable_mode:
            return
        inside = Path(self.build_lib, "vitrine")
        files = [ROOT / "app.py", *(path for room in ROOMS for path in sorted((ROOT / room).rglob("*")))]
        for path in files:
            if path.is_file() and not LEFT_OUT & set(path.relative_to(ROOT).parts):
                yield path, str(inside / path.relative_to(ROOT))

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        return [*super().get_outputs(include_bytecode), *(target for _, target in self._house())]


setup(cmdclass={"build_py": WithHouse})
