"""All settings, with their defaults: what `vitrine.toml` may say."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, ByteSize, Field, ValidationInfo, model_validator

from engine.core.choices import PHOTOS, STARTER
from engine.core.settings.access import Access
from engine.core.settings.cluster import Cluster
from engine.core.settings.limits import Limits
from engine.core.settings.operating import Operating
from engine.core.settings.sharing import Sharing
from engine.core.settings.table import PATH, SIZE, SWITCH, WHOLE, Place, Table


def _named(name: str, info: ValidationInfo) -> str:
    """The name of a data folder or a vocabulary, which must not hide one that Vitrine brings."""
    if not name.strip():
        raise ValueError("the name is empty")
    if name in OWN_NAMES[str(info.field_name)]:
        raise ValueError("Vitrine has something of that name itself; choose another name")
    return name


OWN_NAMES = {"data_folders": (STARTER, PHOTOS), "vocabularies": (STARTER,)}
MOST_THREADS = 1024
MOVED = {
    "max_units_per_request": "units_per_request",
    "max_passes_per_picture": "passes_per_picture",
    "jobs_per_owner": "jobs_per_person",
    "queue_limit": "jobs_waiting",
}
"""Settings that stand in `[limits]` now, by the names that they had before."""
_TABLE = 'names with paths, like birds = "birds/val"'
Precision = Literal["auto", "float32", "bfloat16"]
_Module = Annotated[str, Field(pattern=r"^[^\W\d]\w*(\.[^\W\d]\w*)*$")]
_Name = Annotated[str, AfterValidator(_named)]


class Settings(Table):
    """What a person may set. Sizes are bytes, or text like "4 GiB"; paths in a file are relative to that file."""

    WRITE: ClassVar[dict[str, str]] = {
        "cache_folder": PATH,
        "cache_limit_bytes": SIZE,
        "model_memory_bytes": SIZE,
        "data_folders": _TABLE,
        "vocabularies": _TABLE,
        "models_toml": PATH,
        "device": '"auto", "cpu", "mps", "cuda" or one card, like "cuda:0"',
        "precision": '"auto", "float32" or "bfloat16"',
        "threads": f"a whole number from 0 to {MOST_THREADS}",
        "plugins": 'names of Python modules, like ["my_package.experiments"]',
        "shipped_results": SWITCH,
        "prepare": SWITCH,
        "demo": SWITCH,
        "demo_max_units": WHOLE,
    }

    cache_folder: Place = Path("~/.cache/vitrine")
    cache_limit_bytes: ByteSize = Field(default=ByteSize(4 << 30), ge=ByteSize(1 << 20))
    model_memory_bytes: ByteSize = Field(default=ByteSize(2 << 30), ge=ByteSize(1 << 20))
    data_folders: dict[_Name, Place] = Field(default_factory=dict)
    vocabularies: dict[_Name, Place] = Field(default_factory=dict)
    models_toml: Place = Path("models.toml")
    device: str = Field(default="auto", pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")
    precision: Precision = "auto"
    threads: int = Field(default=0, ge=0, le=MOST_THREADS, description="0 leaves the number of threads to torch")
    plugins: tuple[_Module, ...] = Field(default=(), description="modules that bring experiments, formats, recipes ...")
    shipped_results: bool = Field(default=True, description="take in the results that come with Vitrine")
    prepare: bool = Field(
        default=True, description="make what pages open on before anybody asks, when nothing else is on"
    )
    demo: bool = False
    demo_max_units: int = Field(default=16, ge=1)
    access: Access = Access()
    limits: Limits = Limits()
    sharing: Sharing = Sharing()
    cluster: Cluster = Cluster()
    operating: Operating = Operating()

    @model_validator(mode="before")
    @classmethod
    def _moved(cls, given: Any) -> Any:
        """A file that was written before there was a table of limits says the same as ever."""
        before = {name: given[name] for name in MOVED if name in given}
        if not before:
            return given
        limits = {MOVED[name]: value for name, value in before.items()} | dict(given.get("limits", {}))
        return {name: value for name, value in given.items() if name not in before} | {"limits": limits}

    @property
    def units_limit(self) -> int:
        """The most units one request may ask for: the demo's limit in demo mode."""
        most = self.limits.units_per_request
        return min(self.demo_max_units, most) if self.demo else most

    @property
    def sweeps_limit(self) -> int:
        """The most sweeps that one person may have on: in a demo none, unless the limit is written down."""
        written = "sweeps_per_person" in self.limits.model_fields_set
        return 0 if self.demo and not written else self.limits.sweeps_per_person

    def few(self, units: int) -> int:
        """So many units, or as many as one request may ask for."""
        return min(units, self.units_limit)

    @property
    def prepares(self) -> bool:
        """Whether the server works before anybody asks: in a demo only where that is written down."""
        return self.prepare and (not self.demo or "prepare" in self.model_fields_set)
