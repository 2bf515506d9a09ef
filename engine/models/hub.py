"""Weights files of the model hub: in its local cache, or fetched into it.

Invariant: with no network, that is said within seconds; the hub's own client would try for half a minute.
"""

from __future__ import annotations

import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import constants, hf_hub_download, try_to_load_from_cache
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, LocalEntryNotFoundError

from engine.core.errors import Unavailable

SECONDS_TO_ANSWER = 3
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


def cached_repositories(owner: str) -> Iterator[str]:
    """Names of an owner's repositories in the local cache (its folders are called models--OWNER--NAME)."""
    folders = Path(constants.HF_HUB_CACHE).glob(f"models--{owner}--*")
    return (folder.name.split("--", 2)[2] for folder in sorted(folders))


def fetch(name: str, place: Place) -> Path:
    """The weights file of model `name`, downloaded into the cache where it is not there yet.

    Raises Unavailable in one sentence when the hub cannot be reached, or does not hand out the file.
    """
    if path := cached(place):
        return path
    if not answers():
        raise Unavailable(
            f"The weights of {name} are not on this machine and the hub cannot be reached: on a machine with a network "
            f"connection, run “hf download {place.repository}”, copy its cache folder to {constants.HF_HUB_CACHE}, or "
            "add a weights file to models.toml."
        )
    for file in place.files:
        try:
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


def _download(place: Place, file: str) -> str:
    return hf_hub_download(
        place.repository,
        file,
        revision=place.revision,
        cache_dir=constants.HF_HUB_CACHE,
        etag_timeout=SECONDS_TO_ANSWER,
    )


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
