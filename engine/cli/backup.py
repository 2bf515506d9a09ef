"""`cache backup` and `cache restore`: everything that a server keeps, copied while it runs and put back."""

from __future__ import annotations

from argparse import Namespace

from cache import backup as copying
from engine import COMMAND
from engine.cli.answer import Answer, size
from engine.core import config
from engine.core.errors import BadRequest, Unavailable
from engine.core.paths import brief, readable, typed_path


def backup(arguments: Namespace) -> Answer:
    """Copy the cache folder. Raises BadRequest for a place that cannot be taken, Unavailable where copying fails."""
    folder, target = config.settings().cache_folder, typed_path(arguments.folder).absolute()
    try:
        copied = copying.backup(folder, target)
    except copying.NoBackup as error:
        raise BadRequest(str(error)) from error
    except OSError as error:
        raise Unavailable(f"The backup was not made: {error.strerror or error}.") from error
    where = readable(str(target))
    facts = {
        "folder": where,
        "files": copied.files,
        "bytes": copied.bytes,
        "results": copied.results,
        "gone": copied.gone,
    }
    meanwhile = f" {copied.gone} were removed to make room meanwhile." if copied.gone else ""
    text = f"Copied {copied.results} results and what people keep ({size(copied.bytes)}) to {where}.{meanwhile}"
    return Answer(facts, f"{text} `{COMMAND} cache restore {where}` puts it back.")


def restore(arguments: Namespace) -> Answer:
    """Put a backup in the place of the cache folder. Raises BadRequest for what is none, Unavailable where copying fails."""
    folder, source = config.settings().cache_folder, typed_path(arguments.folder).absolute()
    try:
        before = copying.restore(source, folder)
    except copying.NoBackup as error:
        raise BadRequest(str(error)) from error
    except OSError as error:
        raise Unavailable(f"{brief(arguments.folder)} was not restored: {error.strerror or error}.") from error
    aside = f" What was there is in {readable(str(before))}; remove it when all is well." if before else ""
    return Answer(
        {"folder": readable(str(folder)), "before": readable(str(before)) if before else None},
        f"Restored to {readable(str(folder))}.{aside}",
    )
