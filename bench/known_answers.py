"""How often each experiment finds an effect of known size: a thousand draws of every case of tests/known_answers.

    python -m bench.known_answers [--draws 1000] [--family spatial] [--first 0]

Prints the table of docs/trust.md: in how many draws the 95% interval held the truth (at least 930 of 1,000 wanted), how
often the effect was seen (the power), and how often nothing was seen where nothing was planted (at least 930).
"""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

from tests.known_answers.planted import Planted, count

HERE = Path(__file__).resolve().parents[1] / "tests" / "known_answers"
ROOM = {"__init__", "planted"}


def cases_of(family: str) -> list[Planted]:
    """The cases of one family, by the name of its module."""
    return importlib.import_module(f"tests.known_answers.{family}").CASES


def families() -> list[str]:
    return sorted(
        file.stem for file in HERE.glob("*.py") if file.stem not in ROOM and not file.stem.startswith("test_")
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--family", choices=families())
    parser.add_argument("--first", type=int, default=0, help="the first seed: 1000 for draws that no table was made of")
    asked = parser.parse_args()
    print(f"| experiment | planted | true value | interval held it, of {asked.draws} | seen | null not seen |")
    print("| --- | --- | --- | --- | --- | --- |")
    for family in [asked.family] if asked.family else families():
        for case in cases_of(family):
            counts = count(case, asked.draws, asked.first)
            unseen = "–" if counts.unseen is None else f"{counts.unseen}"
            held = "– | –" if case.truth is None else f"{case.truth:.3g} | {counts.recovered}"
            print(f"| {case.experiment} | {case.about} | {held} | {counts.seen} | {unseen} |", flush=True)


if __name__ == "__main__":
    main()
