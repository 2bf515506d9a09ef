"""What a command answers: facts for scripts, text for people, and the exit code."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    """`facts` is printed as JSON, `text` without `--json`."""

    facts: dict[str, Any]
    text: str
    exit_code: int = 0

    def as_json(self) -> str:
        """One line of strict JSON: what is not a number is null."""
        return json.dumps(plain(self.facts), ensure_ascii=False, allow_nan=False)


def plain(value: Any) -> Any:
    """The same with only plain JSON values in it: NumPy scalars become numbers, NaN and infinity become None."""
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def table(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Columns as wide as their widest cell; numbers to the right."""
    rows = list(rows)
    cells = [[cell(value) for value in row] for row in (names, *rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(names))]
    right = [any(isinstance(row[column], int | float) for row in rows) for column in range(len(names))]
    return "\n".join(
        "  ".join(
            text.rjust(width) if to_right else text.ljust(width)
            for text, width, to_right in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in cells
    )


def cell(value: Any) -> str:
    """A value as a cell of a table: four digits of a float, "-" for what is not there."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def size(count: int) -> str:
    """Bytes as text: 1.5 MB."""
    amount = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            break
        amount /= 1000
    return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
