"""The name that a browser is given, so that a reloaded page still owns the jobs that it started: random, and signed.

Invariants: a name that this server did not give is none; servers of one host leave each other's alone, whatever their ports and
sub-paths, which cookies do not know: each has a cookie of its own. The secret that it signs with is given in the environment
(`VITRINE_COOKIE_SECRET`) or is made once and kept in the cache folder, readable by its owner alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import logging
import os
import re
import secrets
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from engine.core.config import settings

log = logging.getLogger(__name__)

VARIABLE = "VITRINE_COOKIE_SECRET"
FILE = "cookie-secret"
FEWEST = 32
"""Characters of a secret."""
FORMER = "vitrine_browser"
"""What every server called its cookie once."""
_COOKIE = re.compile(rf"{FORMER}_[0-9a-f]{{8}}")
_SIGNED = re.compile(r"([A-Za-z0-9_-]{22})\.([0-9a-f]{64})")


def new() -> str:
    """A new name, signed: what the browser keeps."""
    name = secrets.token_urlsafe(16)
    return f"{name}.{_mark(name)}"


def cookie() -> str:
    """What this server calls its cookie, by its secret."""
    return f"{FORMER}_{_mark('the name of the cookie')[:8]}"


def is_cookie(name: str) -> bool:
    """Whether some server calls its cookie so."""
    return _COOKIE.fullmatch(name) is not None


def name_among(cookies: Mapping[str, str]) -> str | None:
    """The name in what a browser sent, under today's cookie or else under the former one; None where there is none of ours."""
    if not any(name.startswith(FORMER) for name in cookies):  # which takes no secret to know
        return None
    return name_in(cookies.get(cookie())) or name_in(cookies.get(FORMER))


def name_in(cookie: object) -> str | None:
    """The name in what a browser sent; None for what this server did not sign."""
    found = _SIGNED.fullmatch(cookie) if isinstance(cookie, str) else None
    return found[1] if found and hmac.compare_digest(_mark(found[1]), found[2]) else None


def _mark(name: str) -> str:
    return hmac.new(secret().encode(), name.encode(), hashlib.sha256).hexdigest()


@cache
def secret() -> str:
    """What this server signs with. Where it can neither be read nor kept, it holds until the server ends."""
    if len(given := os.environ.get(VARIABLE, "").strip()) >= FEWEST:
        return given
    if given:
        log.warning("%s has fewer than %d characters and is not used.", VARIABLE, FEWEST)
    path = settings().cache_folder / FILE
    with contextlib.suppress(OSError):
        return _kept(path)
    log.warning(
        "The secret of this server's cookies cannot be kept in the cache folder: browsers are new after a restart."
    )
    return secrets.token_hex(32)


def _kept(path: Path) -> str:
    """The secret in a file, written anew where there is none or a damaged one. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError, UnicodeDecodeError):
        if len(there := path.read_text(encoding="ascii").strip()) >= FEWEST:
            path.chmod(0o600)
            return there
    partial = path.with_name(f".{FILE}.{secrets.token_hex(4)}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
        if path.exists():  # damaged
            os.replace(partial, path)
        else:
            with contextlib.suppress(FileExistsError):  # another process was first: theirs holds for both
                os.link(partial, path)
        return path.read_text(encoding="ascii").strip()
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()
