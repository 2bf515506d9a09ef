"""Settings, read once: defaults, then `vitrine.toml`, then environment variables. And the one result store.

Invariant: settings never change while the process runs; whatever is wrong with them is said with file and line.
"""

from __future__ import annotations

import atexit
import os
import re
import threading
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
)

from cache.store import ResultStore
from engine.core.choices import PHOTOS, STARTER
from engine.core.errors import BadRequest
from engine.core.paths import brief, typed_path

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


def _named(name: str, info: ValidationInfo) -> str:
    """The name of a data folder or a vocabulary, which must not hide one that Vitrine brings."""
    if not name.strip():
        raise ValueError("the name is empty")
    if name in OWN_NAMES[str(info.field_name)]:
        raise ValueError("Vitrine has something of that name itself; choose another name")
    return name


OWN_NAMES = {"data_folders": (STARTER, PHOTOS), "vocabularies": (STARTER,)}
MOST_THREADS = 1024
_WHOLE, _SIZE, _PATH = "a whole number from 1 on", 'a size of 1 MiB or more, like "4 GiB"', "a path, in quotation marks"
_TABLE = 'names with paths, like birds = "birds/val"'
# What to write for each setting, instead of what the reader of settings says about types and patterns.
_WRITE = {
    "cache_folder": _PATH,
    "cache_limit_bytes": _SIZE,
    "model_memory_bytes": _SIZE,
    "data_folders": _TABLE,
    "vocabularies": _TABLE,
    "models_toml": _PATH,
    "device": '"auto", "cpu", "mps", "cuda" or one card, like "cuda:0"',
    "precision": '"auto", "float32" or "bfloat16"',
    "threads": f"a whole number from 0 to {MOST_THREADS}",
    "max_units_per_request": _WHOLE,
    "max_passes_per_picture": _WHOLE,
    "jobs_per_owner": _WHOLE,
    "queue_limit": _WHOLE,
    "plugins": 'names of Python modules, like ["my_package.experiments"]',
    "demo": "true or false",
    "demo_max_units": _WHOLE,
}
Precision = Literal["auto", "float32", "bfloat16"]
_Place = Annotated[Path, BeforeValidator(_placed)]
_Module = Annotated[str, Field(pattern=r"^[^\W\d]\w*(\.[^\W\d]\w*)*$")]
_Name = Annotated[str, AfterValidator(_named)]


class Settings(BaseModel):
    """What a person may set. Sizes are bytes, or text like "4 GiB"; paths in a file are relative to that file."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    cache_folder: _Place = Path("~/.cache/vitrine")
    cache_limit_bytes: ByteSize = Field(default=ByteSize(4 << 30), ge=ByteSize(1 << 20))
    model_memory_bytes: ByteSize = Field(default=ByteSize(2 << 30), ge=ByteSize(1 << 20))
    data_folders: dict[_Name, _Place] = Field(default_factory=dict)
    vocabularies: dict[_Name, _Place] = Field(default_factory=dict)
    models_toml: _Place = Path("models.toml")
    device: str = Field(default="auto", pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")
    precision: Precision = "auto"
    threads: int = Field(default=0, ge=0, le=MOST_THREADS, description="0 leaves the number of threads to torch")
    max_units_per_request: int = Field(default=256, ge=1)
    max_passes_per_picture: int = Field(default=16384, ge=1, description="steps x copies of a recipe without a name")
    jobs_per_owner: int = Field(default=4, ge=1)
    queue_limit: int = Field(default=64, ge=1)
    plugins: tuple[_Module, ...] = Field(default=(), description="modules that bring experiments, formats, recipes ...")
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
    `VITRINE_CACHE` the cache folder, `VITRINE_PRECISION` the precision, `VITRINE_PLUGINS` further plugins (with spaces
    between them). Raises BadRequest, with file and line, when the file cannot be used.
    """
    named = os.environ.get("VITRINE_CONFIG")
    path = typed_path(named) if named else Path(CONFIG_NAME)
    found = read_settings(path) if named or path.is_file() else Settings()
    changed: dict[str, Any] = {}
    if folder := os.environ.get("VITRINE_CACHE"):
        changed["cache_folder"] = typed_path(folder).absolute()
    if wanted := os.environ.get("VITRINE_PRECISION"):
        if wanted not in get_args(Precision):
            raise BadRequest(f"VITRINE_PRECISION is “{brief(wanted)}”; write {_WRITE['precision']}.")
        changed["precision"] = wanted
    if plugins := os.environ.get("VITRINE_PLUGINS", "").split():
        try:
            changed["plugins"] = Settings(plugins=(*found.plugins, *plugins)).plugins
        except ValidationError:
            raise BadRequest(
                f"VITRINE_PLUGINS is “{brief(' '.join(plugins))}”; write names of Python modules."
            ) from None
    return found.model_copy(update=changed)


def read_settings(path: Path) -> Settings:
    """Settings from a TOML file. Raises BadRequest, with file and line, when it cannot be read or does not fit."""
    try:
        text = path.read_text(encoding="utf-8-sig")
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
        name = ".".join(str(part) for part in first["loc"] if part != "[key]")
        raise BadRequest(f"{path}, line {_line_of(text, first['loc'])}: {name}: {_reason(first)}.") from None


def _reason(error: Mapping[str, Any]) -> str:
    """What is wrong with a setting, or what to write for it, without a full stop."""
    if error["type"] == "extra_forbidden":
        return "there is no such setting"
    if error["type"] == "value_error":
        return error["msg"].removeprefix("Value error, ").removesuffix(".")
    return f"write {_WRITE[str(error['loc'][0])]}"


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
