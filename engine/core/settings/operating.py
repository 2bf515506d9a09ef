"""The table `[operating]`: how a server for a group is run and watched."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from engine.core.logs import Layout
from engine.core.settings.table import Table

_Origin = Annotated[str, Field(pattern=r"^https?://[A-Za-z0-9*.:\[\]-]+$")]


class Operating(Table):
    """How a server for a group is run and watched."""

    WRITE: ClassVar[dict[str, str]] = {
        "metrics_token": "a secret of 16 characters or more, in quotation marks",
        "log_format": '"text" or "json"',
        "drain_seconds": "seconds, from 0 to 86400",
        "frame_ancestors": 'addresses of sites, like ["https://huggingface.co"]',
    }

    metrics_token: str = Field(default="", pattern=r"^(\S{16,})?$", repr=False)
    log_format: Layout = "text"
    drain_seconds: float = Field(default=20.0, ge=0, le=86400, description="what a running job gets after SIGTERM")
    frame_ancestors: tuple[_Origin, ...] = Field(default=(), description="sites that may show Vitrine in a frame")
