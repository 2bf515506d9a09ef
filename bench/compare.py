"""All speed benchmarks, one after the other on this machine, into docs/benchmarks.md.

    pip install --no-deps -r requirements-bench.txt --target peers
    PYTHONPATH=peers python -m bench.compare [--only quality,memory]

Takes about an hour on two processor cores. Each benchmark runs in a process of its own; all other sections stay as they are
in the file.
"""

from __future__ import annotations

import argparse
import importlib
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from engine.core import devices

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
SECTIONS = {
    "quality": "Time at equal quality",
    "throughput": "Pictures per minute",
    "products": "Share of the machine's matrix-product rate",
    "memory": "Peak memory",
}
INTRODUCTION = """# Benchmarks

One machine, one run a section: ratios carry over to other machines, seconds do not. `python -m bench.compare` makes the
sections that compare with other libraries (its docstring lists them; nothing else needs them).
"""


def machine() -> str:
    device = devices.pick()
    facts = devices.describe(device)
    memory = f"{facts['memory_total'] / 2**30:.0f} GiB" if facts["memory_total"] else "unknown memory"
    packages = ", ".join(
        f"{name} {_version(name)}" for name in ("torch", "timm", "torch-lucent", "horama", "dreamlens")
    )
    return f"{facts['name']}, {memory}, {facts['precision']}; {platform.system()}; {packages}; {datetime.now(UTC):%Y-%m-%d}"


def _version(package: str) -> str:
    try:
        return torch.__version__ if package == "torch" else version(package)
    except PackageNotFoundError:
        return "absent"


def section(name: str) -> str:
    """Run one benchmark; its heading, machine, words and table."""
    about = (importlib.import_module(f"bench.{name}").__doc__ or "").partition("\n\n")
    _, _, words = about[2].partition("\n\n")
    command = [sys.executable, "-m", f"bench.{name}"]
    made = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    tables = made[made.index("|") :].strip()  # other people's code may print before
    return f"## {SECTIONS[name]}\n\n`python -m bench.{name}` on {machine()}.\n\n{words.strip()}\n\n{tables}\n"


def sections_of(text: str) -> tuple[str, dict[str, str]]:
    """(what stands before the first section, the sections by title) of a page made before, also those made by other means."""
    start, *parts = re.split(r"^(?=## )", text, flags=re.MULTILINE)
    return start.strip(), {part.partition("\n")[0].removeprefix("## "): part.strip() for part in parts}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(SECTIONS), help="sections to run again, separated by commas")
    args = parser.parse_args()
    start, found = sections_of(PAGE.read_text(encoding="utf-8") if PAGE.exists() else INTRODUCTION)
    for name in args.only.split(","):
        found[SECTIONS[name]] = section(name).strip()
        PAGE.write_text("\n\n".join([start, *found.values()]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
