"""What a data set format is: a data set that lies in a folder or a file, and says which ones are its own."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import ClassVar, Self

from engine.data.dataset import Dataset


class Format(Dataset):
    """One format. A class says which paths it `recognises`; one that is opened says what it `gives`.

    `engine.data.formats.detect.register_format` adds one.
    """

    has_splits: ClassVar[bool] = False
    """Whether `open` takes the name of a split as well, where a path ends with one that is no folder."""

    @classmethod
    @abstractmethod
    def recognises(cls, path: Path) -> bool:
        """Whether what lies at this path, which exists, has this format: looks at names and at as little else as tells."""

    @classmethod
    @abstractmethod
    def open(cls, path: Path, name: str) -> Self:
        """What lies at this path as a data set of that name. Raises Unavailable, BadRequest or RefusedFile."""
