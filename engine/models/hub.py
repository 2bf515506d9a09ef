"""Weights files of the model hub: in its local cache, or fetched into it.

Invariant: with no network, that is said within seconds; the hub's own client would try for half a minute.
"""

from __future__ import annotations

import shutil
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from huggingface_hub import (
    constants,
    get_hf_file_metadata,
    hf_hub_download,
    hf_hub_url,
    scan_cache_dir,
    try_to_load_from_cache,
)
from huggingface_hub.errors import CacheNotFound, EntryNotFoundError, HfHubHTTPError, LocalEntryNotFoundError
from huggingface_hub.utils import tqdm

from engine.core.config import settings
from engine.core.errors import Forbidden, Unavailable
from engine.models import guard

SECONDS_TO_ANSWER = 3
LEFT_FREE = 2_000_000_000
"""Bytes of the disk that no download takes: results and uploads need room too."""
_silent_until = 0.0


@dataclass(frozen=True)
class Place:
    """Where weights lie on the hub: the files to look for, the safe format first."""

    repository: str
    files: Sequence[str]
    revision: str | None = None


def place(identifier: str, filename: str | None, default: str) -> Place:
    """The place of an identifier like owner/name@revision, whose weights stand in `filename` (else `default`), or in
    the same as safetensors."""
    repository, _, revision = identifier.partition("@")
    given = filename or default
    safe = [f"{Path(name).stem}.safetensors" for name in (given.replace("pytorch_model", "model"), given)]
    return Place(repository, list(dict.fromkeys([*safe, given])), revision or None)


def cached(place: Place) -> Path | None:
    """The file in the local cache, if one of them is there."""
    for file in place.files:
        found = try_to_load_from_cache(
            place.repository, file, cache_dir=constants.HF_HUB_CACHE, revision=place.revision
        )
        if isinstance(found, str):
            return Path(found)
    return None


def cached_repositories() -> list[str]:
    """OWNER/NAME of the repositories in the local cache, whose folders are called models--OWNER--NAME."""
    folders = Path(constants.HF_HUB_CACHE).glob("models--*--*")
    return sorted("/".join(folder.name.split("--", 2)[1:]) for folder in folders)


def fetch(name: str, place: Place) -> Path:
    """The weights file of model `name`, downloaded into the cache where it is not there yet.

    Raises Unavailable in one sentence when the hub cannot be reached, does not hand out the file, or there is no room for it;
    Forbidden as `guard` does.
    """
    if path := cached(place):
        return path
    guard.check_download(name)
    if not answers():
        raise Unavailable(
            f"The weights of {name} are not on this machine and the hub cannot be reached: on a machine with a network "
            f"connection, run “hf download {place.repository}”, copy its cache folder to {constants.HF_HUB_CACHE}, or "
            "add a weights file to models.toml."
        )
    for file in place.files:
        try:
            size = _bytes(place, file)
            guard.check_bytes(name, size)
            _check_room(name, size or 0)
            return Path(_download(place, file))
        except LocalEntryNotFoundError:
            break
        except EntryNotFoundError:
            continue
        except (HfHubHTTPError, OSError, ValueError) as error:
            reason = str(error).strip().splitlines()[0]
            raise Unavailable(f"The weights of {name} could not be downloaded: {reason}") from None
    raise Unavailable(
        f"The weights of {name} could not be downloaded from the hub ({place.repository}). Try again later."
    )


def _check_room(name: str, size: int) -> None:
    """Raises Forbidden where models would take more than they may in all, Unavailable where the disk would be full."""
    most = settings().limits.hub_bytes
    if most and sum(kept().values()) + size > most:
        raise Forbidden(
            f"With {name} the models fetched from the hub would take more than {most.human_readable()} (limits.hub_bytes). An "
            "operator can remove some on the page “Models”."
        )
    folder = Path(constants.HF_HUB_CACHE).absolute()
    free = shutil.disk_usage(next(each for each in (folder, *folder.parents) if each.is_dir())).free
    if size + LEFT_FREE > free:
        raise Unavailable(
            f"{name} has {size / 1e9:.1f} GB, and the disk that models are fetched to has {free / 1e9:.1f} GB free, of which "
            f"{LEFT_FREE / 1e9:.0f} GB stay free. Remove models that nobody uses, or other files."
        )


def kept() -> dict[str, int]:
    """Bytes that each repository of models takes in the local cache."""
    try:
        found = scan_cache_dir(constants.HF_HUB_CACHE).repos
    except (CacheNotFound, OSError):
        return {}
    return {repo.repo_id: repo.size_on_disk for repo in found if repo.repo_type == "model"}


def remove(repository: str) -> None:
    """Remove a repository from the local cache; a model that is loaded stays loaded. Raises Unavailable where it cannot be."""
    try:
        found = scan_cache_dir(constants.HF_HUB_CACHE)
        gone = [each.commit_hash for repo in found.repos if repo.repo_id == repository for each in repo.revisions]
        found.delete_revisions(*gone).execute()
    except (CacheNotFound, OSError) as error:
        raise Unavailable(f"{repository} cannot be removed: {getattr(error, 'strerror', None) or error}.") from None


def size(place: Place) -> int | None:
    """How many bytes the weights have that would be fetched; None where the hub does not say."""
    if not answers():
        return None
    for file in place.files:
        with suppress(EntryNotFoundError):
            try:
                return _bytes(place, file)
            except (HfHubHTTPError, OSError, ValueError):
                return None
    return None


def _bytes(place: Place, file: str) -> int | None:
    url = hf_hub_url(place.repository, file, revision=place.revision)
    return get_hf_file_metadata(url, timeout=SECONDS_TO_ANSWER).size


def _download(place: Place, file: str) -> str:
    came = guard.watching()
    fetch = partial(
        hf_hub_download,
        place.repository,
        file,
        revision=place.revision,
        cache_dir=constants.HF_HUB_CACHE,
        etag_timeout=SECONDS_TO_ANSWER,
    )
    if came is None:
        return fetch()
    with _over_plain_http():
        return fetch(tqdm_class=_telling(came))


def _telling(came: guard.Told) -> type[tqdm]:
    """A progress bar that is not drawn, and tells how many more bytes came; what that raises ends the download."""

    class Bar(tqdm):
        def __init__(self, *args: Any, **given: Any) -> None:
            super().__init__(*args, **{**given, "disable": True})

        def update(self, n: float | None = 1) -> bool | None:
            came(int(n or 0))
            return None

    return Bar


@contextmanager
def _over_plain_http() -> Iterator[None]:
    """Without Xet, whose client fetches on threads of its own: nothing stops it between two chunks."""
    before, constants.HF_HUB_DISABLE_XET = constants.HF_HUB_DISABLE_XET, True
    try:
        yield
    finally:
        constants.HF_HUB_DISABLE_XET = before


def answers() -> bool:
    """Whether the hub answers at all, within seconds; a silence is remembered for a minute."""
    global _silent_until
    if constants.HF_HUB_OFFLINE or time.monotonic() < _silent_until:
        return False
    try:
        request = urllib.request.Request(constants.ENDPOINT, method="HEAD")
        urllib.request.urlopen(request, timeout=SECONDS_TO_ANSWER).close()
        return True
    except urllib.error.HTTPError:
        return True  # an answer, if an unfriendly one
    except (OSError, ValueError) as error:
        if isinstance(getattr(error, "reason", error), ssl.SSLError):
            return True  # somebody answers; the hub's client may trust other certificates
        _silent_until = time.monotonic() + 60
        return False
