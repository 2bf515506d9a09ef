"""Paths that a person typed, and names of files as a person can read them."""

from __future__ import annotations

import errno
import importlib.util
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.core.errors import BadRequest

STARTER = Path(__file__).parents[2] / "starter"
"""The folder of the starter world: scenes, weights and what was made of them."""
SHIPPED = STARTER / "results" / "results.zip"
"""Results that come with Vitrine, so that every page has something to show at once (`make results` makes them anew)."""
LONGEST_SHOWN = 80


def typed_path(text: str) -> Path:
    """The path that a person wrote, `~` expanded; whether there is something does not matter.

    Raises BadRequest for what cannot be a path: an empty text, an unknown person's `~`, a NUL, a name that is too long.
    """
    if not text.strip():
        raise BadRequest("An empty text is no path. Write the path of a file or folder.")
    try:
        path = Path(text).expanduser()
        os.lstat(path)
    except RuntimeError:
        raise BadRequest(f"“{brief(text)}” cannot be used: nobody's home folder is known by that name.") from None
    except ValueError:
        raise BadRequest(f"“{brief(text)}” cannot be used: it holds a character that no path may have.") from None
    except OSError as error:  # whoever uses the path finds out about the others
        if error.errno == errno.ENAMETOOLONG:
            raise BadRequest(f"“{brief(text)}” cannot be used: it is too long for a path.") from None
    return path


def readable(name: str) -> str:
    r"""A file's name as text that can be printed and stored: bytes that are not UTF-8 become `\xff`."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A place beside a file to write it to. When all went well it takes the file's place: the file is there whole or as it was.
    Raises OSError."""
    partial = path.with_name(f".{secrets.token_hex(8)}.partial")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def inside_package(package: str, file: str) -> Path | None:
    """A file or folder of an installed package, found without importing the package; None where there is none."""
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        if (path := Path(folder) / file).exists():
            return path
    return None


_FOLDERS = re.compile(r"(?<![\w:/.~-])(/[^\s/“”\"'<>|,;:()]+)(?:/[^\s/“”\"'<>|,;:()]+)*/(?=[^\s/]|$|\s)?")


def without_folders(text: str) -> str:
    """A sentence whose paths on this machine are cut down to their last names, for people who are not to know where things lie
    here. What only looks like a path, such as the address of a page, stays."""
    return _FOLDERS.sub(lambda found: "…/" if os.path.lexists(found[1]) else found[0], text)


def brief(text: str) -> str:
    """What a person typed, for a message: readable, on one line, and cut where it is long."""
    shown = "".join(letter if letter.isprintable() else "\ufffd" for letter in readable(text))
    return shown if len(shown) <= LONGEST_SHOWN else f"{shown[: LONGEST_SHOWN - 1]}…"
