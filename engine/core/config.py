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
from typing import Any, get_args

from pydantic import ValidationError

from cache import archive
from cache.store import ResultStore
from engine.core.errors import BadRequest
from engine.core.paths import SHIPPED, brief, typed_path
from engine.core.settings.operating import Operating
from engine.core.settings.table import Table
from engine.core.settings.whole import MOVED, Precision, Settings

CONFIG_NAME = "vitrine.toml"
_LOCK = threading.Lock()


@cache
def settings() -> Settings:
    """The settings of this process.

    `VITRINE_CONFIG` names the file (default: `vitrine.toml` in the current folder, when there is one), and
    `VITRINE_CACHE` the cache folder, `VITRINE_PRECISION`, `VITRINE_DEVICE` and `VITRINE_THREADS` the settings of these
    names, `VITRINE_PLUGINS` further plugins (with spaces between them), `VITRINE_SHIPPED_RESULTS` (true or false) whether
    the results that come with it are taken in, `VITRINE_PREPARE` (true or false) whether the server works before anybody
    asks, `VITRINE_METRICS_TOKEN` the secret that metrics are shown for. Raises BadRequest, with file and line, when the file
    cannot be used.
    """
    named = os.environ.get("VITRINE_CONFIG")
    path = typed_path(named) if named else Path(CONFIG_NAME)
    found = read_settings(path) if named or path.is_file() else Settings()
    changed: dict[str, Any] = {}
    if folder := os.environ.get("VITRINE_CACHE"):
        changed["cache_folder"] = typed_path(folder).absolute()
    if wanted := os.environ.get("VITRINE_PRECISION"):
        if wanted not in get_args(Precision):
            raise BadRequest(f"VITRINE_PRECISION is “{brief(wanted)}”; write {Settings.WRITE['precision']}.")
        changed["precision"] = wanted
    changed |= _checked(device=os.environ.get("VITRINE_DEVICE"), threads=os.environ.get("VITRINE_THREADS"))
    if shipped := os.environ.get("VITRINE_SHIPPED_RESULTS"):
        changed["shipped_results"] = shipped.lower() == "true"
    if prepare := os.environ.get("VITRINE_PREPARE"):
        changed["prepare"] = prepare.lower() == "true"
    if token := os.environ.get("VITRINE_METRICS_TOKEN"):
        changed["operating"] = _with_token(found.operating, token)
    if plugins := os.environ.get("VITRINE_PLUGINS", "").split():
        try:
            changed["plugins"] = Settings(plugins=(*found.plugins, *plugins)).plugins
        except ValidationError:
            raise BadRequest(
                f"VITRINE_PLUGINS is “{brief(' '.join(plugins))}”; write names of Python modules."
            ) from None
    return found.model_copy(update=changed)


def _with_token(operating: Operating, token: str) -> Operating:
    try:
        return Operating.model_validate({**dict(operating), "metrics_token": token})
    except ValidationError:
        raise BadRequest(f"VITRINE_METRICS_TOKEN cannot be used; write {Operating.WRITE['metrics_token']}.") from None


def _checked(**wanted: str | None) -> dict[str, Any]:
    """Settings as the environment names them. Raises BadRequest for one that does not fit."""
    given = {name: value for name, value in wanted.items() if value}
    try:
        read = Settings.model_validate(given)
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        raise BadRequest(
            f"VITRINE_{name.upper()} is “{brief(str(given[name]))}”; write {Settings.WRITE[name]}."
        ) from None
    return {name: getattr(read, name) for name in given}


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
    return f"write {_to_write(error['loc'])}"


def _to_write(location: tuple[int | str, ...]) -> str:
    """What to write where, as the innermost table says it."""
    table: type[Table] = Settings
    first, *rest = [str(part) for part in location]
    while rest and isinstance(inner := table.model_fields[first].annotation, type) and issubclass(inner, Table):
        table, (first, *rest) = inner, rest
    return table.WRITE.get(first, "a table of settings")


def _line_of(text: str, location: tuple[int | str, ...]) -> int:
    """The line on which the innermost named part of a setting stands (the parser does not keep it)."""
    lines = text.splitlines()
    for name in reversed([part for part in location if isinstance(part, str)]):
        spelled = "|".join(map(re.escape, (name, *(old for old, new in MOVED.items() if new == name))))
        pattern = re.compile(rf"""^\s*\[?\s*(?:\w+\.)*["']?(?:{spelled})["']?\s*[=\].]""")
        for number, line in enumerate(lines, start=1):
            if pattern.match(line):
                return number
    return 1


@cache
def _open_store() -> ResultStore:
    opened = ResultStore(settings().cache_folder / "results", settings().cache_limit_bytes)
    if settings().shipped_results:
        archive.bring(opened, SHIPPED)
    atexit.register(opened.close)
    return opened


def store() -> ResultStore:
    """The result store of this process, opened at the first call, in `cache_folder/results`, with what comes with Vitrine."""
    with _LOCK:
        return _open_store()
