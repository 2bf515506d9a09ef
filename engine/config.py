"""Settings, read once: defaults, then `vitrine.toml`, then environment variables. And the one result store.

Invariant: settings never change while the process runs; whatever is wrong with them is said with file and line.
"""

from __future__ import annotations

import atexit
import os
import re
import threading
import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ByteSize, ConfigDict, Field, ValidationError, ValidationInfo

from cache.store import ResultStore
from engine.errors import BadRequest
from engine.paths import typed_path

CONFIG_NAME = "vitrine.toml"
_LOCK = threading.Lock()


def _placed(value: Any, info: ValidationInfo) -> Any:
    """An absolute path. Text stands in a settings file, whose folder is the context, and is relative to that."""
    if not isinstance(value, str | Path):
        return value
    try:
        path = typed_path(str(value))
    except BadRequest as error:
        raise ValueError(str(error)) from None
    return (info.context / path if info.context and isinstance(value, str) else path).absolute()


_Place = Annotated[Path, BeforeValidator(_placed)]


class Settings(BaseModel):
    """What a person may set. Sizes are bytes, or text like "4 GiB"; paths in a file are relative to that file."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    cache_folder: _Place = Path("~/.cache/vitrine")
    cache_limit_bytes: ByteSize = Field(default=ByteSize(4 << 30), ge=ByteSize(1 << 20))
    model_memory_bytes: ByteSize = Field(default=ByteSize(2 << 30), ge=ByteSize(1 << 20))
    data_folders: dict[str, _Place] = Field(default_factory=dict)
    vocabularies: dict[str, _Place] = Field(default_factory=dict)
    models_toml: _Place = Path("models.toml")
    device: str = Field(default="auto", pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")
    threads: int = Field(default=0, ge=0, description="0 leaves the number of threads to torch")
    max_units_per_request: int = Field(default=256, ge=1)
    jobs_per_owner: int = Field(default=4, ge=1)
    queue_limit: int = Field(default=64, ge=1)
    demo: bool = False
    demo_max_units: int = Field(default=16, ge=1)

    @property
    def units_limit(self) -> int:
        """The most units one request may ask for: the demo's limit in demo mode."""
        return min(self.demo_max_units, self.max_units_per_request) if self.demo else self.max_units_per_request


@cache
def settings() -> Settings:
    """The settings of this process.

    `VITRINE_CONFIG` names the file (default: `vitrine.toml` in the current folder, when there is one), and
    `VITRINE_CACHE` the cache folder. Raises BadRequest, with file and line, when the file cannot be used.
    """
    named = os.environ.get("VITRINE_CONFIG")
    path = typed_path(named) if named else Path(CONFIG_NAME)
    found = read_settings(path) if named or path.is_file() else Settings()
    folder = os.environ.get("VITRINE_CACHE")
    return found.model_copy(update={"cache_folder": typed_path(folder).absolute()}) if folder else found


def read_settings(path: Path) -> Settings:
    """Settings from a TOML file. Raises BadRequest, with file and line, when it cannot be read or does not fit."""
    try:
        text = path.read_text(encoding="utf-8")
        fields = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise BadRequest(f"The settings file {path} cannot be read: {reason}.") from None
    except tomllib.TOMLDecodeError as error:
        raise BadRequest(f"The settings file {path} is not valid TOML: {error}.") from None
    try:
        return Settings.model_validate(fields, context=path.absolute().parent)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        what = "there is no such setting" if first["type"] == "extra_forbidden" else first["msg"]
        what = what.removeprefix("Value error, ").removesuffix(".")
        raise BadRequest(f"{path}, line {_line_of(text, first['loc'])}: {name}: {what}.") from None


def _line_of(text: str, location: tuple[int | str, ...]) -> int:
    """The line on which the innermost named part of a setting stands (the parser does not keep it)."""
    lines = text.splitlines()
    for name in reversed([part for part in location if isinstance(part, str)]):
        pattern = re.compile(rf"""^\s*\[?\s*(?:\w+\.)*["']?{re.escape(name)}["']?\s*[=\].]""")
        for number, line in enumerate(lines, start=1):
            if pattern.match(line):
                return number
    return 1


@cache
def _open_store() -> ResultStore:
    opened = ResultStore(settings().cache_folder / "results", settings().cache_limit_bytes)
    atexit.register(opened.close)
    return opened


def store() -> ResultStore:
    """The result store of this process, opened at the first call, in `cache_folder/results`."""
    with _LOCK:
        return _open_store()
