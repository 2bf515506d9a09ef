"""What every table of settings has in common."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationInfo

from engine.core.errors import BadRequest
from engine.core.paths import typed_path

WHOLE, SIZE, PATH = "a whole number from 1 on", 'a size of 1 MiB or more, like "4 GiB"', "a path, in quotation marks"
SWITCH = "true or false"


def _placed(value: Any, info: ValidationInfo) -> Any:
    """An absolute path. Text stands in a settings file, whose folder is the context, and is relative to that."""
    if not isinstance(value, str | Path):
        return value
    try:
        path = typed_path(str(value))
    except BadRequest as error:
        raise ValueError(str(error)) from None
    return (info.context / path if info.context and isinstance(value, str) else path).absolute()


Place = Annotated[Path, BeforeValidator(_placed)]
PlaceOrNone = Annotated[Path | None, BeforeValidator(lambda value, info: _placed(value, info) if value else None)]
"""A path, or empty text for none."""


class Table(BaseModel):
    """One table of settings: frozen, and a name that it does not have is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    WRITE: ClassVar[dict[str, str]] = {}
    """What to write for each setting, instead of what the reader of settings says about types and patterns."""
