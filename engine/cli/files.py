"""Files and texts on the command line that become part of a request: vectors, images and words are kept by their digest."""

from __future__ import annotations

import os
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from engine.concepts.vocabulary import GIVEN, vocabulary_names
from engine.core.address import Address
from engine.core.errors import BadRequest
from engine.core.paths import brief, typed_path
from engine.core.targets import IMAGE, text_target
from engine.data import uploads, wordlists
from engine.visualization.recipe import Recipe
from engine.visualization.recipes import recipe_named
from engine.visualization.tuning import read_recipe

MAX_RECIPE_BYTES = 1 << 16


def with_files(where: Address, arguments: Namespace) -> Address:
    """The address with the targets that the options name by file or text. Raises VitrineError for one that is refused."""
    found = [f"dir-{direction(text)}" for text in arguments.direction]
    found += [f"match:{image(text)}" for text in arguments.invert]
    found += [f"caricature:{image(text)}" for text in arguments.caricature]
    found += [str(text_target(text)) for text in arguments.text]
    return replace(where, targets=tuple(dict.fromkeys((*where.targets, *found))))


def direction(text: str) -> str:
    """The digest of the vector in `FILE` or `FILE:NAME`."""
    path, _, name = (text, "", "") if os.path.isfile(typed_path(text)) else text.rpartition(":")
    file = path or text
    return uploads.keep_vector(_bytes(file, uploads.MAX_VECTOR_BYTES), _name(file), name if path else "")


def image(text: str) -> str:
    """An image as requests name it: the number of one of the data set, or `up-<digest>` of a file that is kept."""
    if IMAGE.fullmatch(text):
        return text
    return f"up-{uploads.keep_image(_bytes(text, 20 << 20), _name(text))}"


def vocabulary(text: str) -> str:
    """A vocabulary as requests name it: a name that is known, or `voc-<digest>` of a file that is kept."""
    if text in vocabulary_names() or text.startswith(GIVEN) or not os.path.exists(typed_path(text)):
        return text
    return f"{GIVEN}{uploads.keep_words(_bytes(text, wordlists.MOST_BYTES), _name(text))}"


def recipe(text: str) -> str | Recipe:
    """A recipe as requests take it: the name of one, or the settings in a .toml or .json file."""
    ending = Path(text).suffix.lower()
    if ending not in (".toml", ".json"):
        return recipe_named(text).name
    data = _bytes(text, MAX_RECIPE_BYTES)
    if len(data) > MAX_RECIPE_BYTES:
        raise BadRequest(f"{_name(text)} is not a recipe: it is larger than {MAX_RECIPE_BYTES >> 10} KiB.")
    return read_recipe(data, ending, _name(text))


def _name(text: str) -> str:
    """What a file is called in messages."""
    return brief(Path(text).name)


def _bytes(text: str, most: int) -> bytes:
    """A file's bytes, and one more than is allowed where it has more: enough to refuse it."""
    try:
        with typed_path(text).open("rb") as file:
            return file.read(most + 1)
    except OSError as error:
        raise BadRequest(f"{brief(text)} cannot be read: {error.strerror or error}.") from None
