"""The table `[limits]`: how much one person may ask for, load and store."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import ByteSize, Field

from engine.core.settings.table import SIZE, SWITCH, WHOLE, Table

FROM_ZERO = "a whole number, 0 for no limit"


class Limits(Table):
    """How much one person may ask for, load and store."""

    WRITE: ClassVar[dict[str, str]] = {
        "jobs_per_person": WHOLE,
        "parts_per_person": WHOLE,
        "jobs_waiting": WHOLE,
        "sweeps_per_person": "a whole number, 0 for none",
        "units_per_request": WHOLE,
        "passes_per_picture": WHOLE,
        "pixels_per_picture": FROM_ZERO,
        "seconds_per_job": FROM_ZERO,
        "uploads_per_person": WHOLE,
        "upload_bytes_per_person": SIZE,
        "upload_days": FROM_ZERO,
        "checkpoints": SWITCH,
        "models": 'a list of names, in which * is anything, like ["starter-*", "timm/vit_*"]',
        "downloads": '"nobody", "operator" or "member"',
        "download_bytes": SIZE,
        "hub_bytes": SIZE,
    }

    jobs_per_person: int = Field(default=4, ge=1, description="waiting and running; parts asked for together are one")
    parts_per_person: int = Field(default=64, ge=1, description="parts of jobs, waiting and running")
    jobs_waiting: int = Field(default=64, ge=1, description="of all people together")
    sweeps_per_person: int = Field(
        default=2,
        ge=0,
        description="on at once, of those that are started on pages by people who are no operators; 0: none",
    )
    units_per_request: int = Field(default=256, ge=1)
    passes_per_picture: int = Field(default=16384, ge=1, description="steps x copies of a recipe without a name")
    pixels_per_picture: int = Field(default=1 << 20, ge=0, description="of a model's input; 0: as many as it takes")
    seconds_per_job: int = Field(default=0, ge=0, description="0: as long as it takes")
    uploads_per_person: int = Field(default=200, ge=1, description="photos, directions and lists of words")
    upload_bytes_per_person: ByteSize = Field(
        default=ByteSize(200 << 20), ge=ByteSize(1 << 20), description="of the files as they are kept, without results"
    )
    upload_days: int = Field(
        default=90, ge=0, description="days without use after which an upload is deleted; 0: never"
    )
    checkpoints: bool = Field(default=False, description="whether people may upload weights of their own")
    models: tuple[str, ...] = Field(default=("*",), description="the names of models that may be loaded")
    downloads: Literal["nobody", "operator", "member"] = Field(
        default="member", description="who may have a model fetched from the hub"
    )
    download_bytes: ByteSize = Field(
        default=ByteSize(16 << 30), ge=ByteSize(1 << 20), description="of one model's weights"
    )
    hub_bytes: ByteSize = Field(
        default=ByteSize(0), ge=ByteSize(0), description="of all models fetched from the hub; 0: what the disk has"
    )
