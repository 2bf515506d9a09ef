"""The table `[cluster]`: where jobs are carried out when not in the server itself."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from engine.core.settings.table import PATH, WHOLE, PlaceOrNone, Table

_LINES = 'text in a list, like ["module load cuda"]'
_PAIRS = 'names with text, like {HF_HOME = "/scratch/hf"}'
_COUNT = "a whole number from 0 on"
_Pairs = dict[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_-]*$")], str]


class Cluster(Table):
    """Where jobs are carried out when not in the server itself (see docs/clusters.md)."""

    WRITE: ClassVar[dict[str, str]] = {
        "executor": '"local", "dask" or "slurm"',
        "processes": "a whole number from -1 on",
        "devices": 'names of devices, like ["cuda:0", "cuda:1"]',
        "otherwise": '"wait" or "here"',
        "part_minutes": _COUNT,
        "uploads_folder": PATH,
        "dask_scheduler": 'an address, like "tcp://host:8786" or "tls://host:8786"',
        "dask_authority": PATH,
        "dask_certificate": PATH,
        "dask_key": PATH,
        "slurm_folder": PATH,
        "slurm_cluster": '"slurm" or "local"',
        "slurm_partition": "text",
        "slurm_gres": 'text, like "gpu:1"',
        "slurm_minutes": WHOLE,
        "slurm_at_once": WHOLE,
        "slurm_parts": WHOLE,
        "slurm_setup": _LINES,
        "slurm_environment": _PAIRS,
        "slurm_options": 'names with text, like {account = "vision", mem = "16G"}',
    }

    executor: Literal["local", "dask", "slurm"] = "local"
    processes: int = Field(
        default=-1, ge=-1, le=256, description="-1: one for each GPU; on a CPU one with a login or in a demo, else none"
    )
    devices: tuple[Annotated[str, Field(pattern=r"^(cpu|mps|cuda:\d+)$")], ...] = ()
    otherwise: Literal["wait", "here"] = Field(default="wait", description="where nobody else can do it")
    part_minutes: int = Field(default=0, ge=0, description="how long one job may take; 0: as long as it does")
    uploads_folder: PlaceOrNone = Field(
        default=None, description="what people upload, where workers elsewhere see it too"
    )
    dask_scheduler: str = Field(default="", pattern=r"^((tcp|tls)://[\w.\-\[\]:]+:\d{1,5})?$")
    dask_authority: PlaceOrNone = None
    dask_certificate: PlaceOrNone = None
    dask_key: PlaceOrNone = None
    slurm_folder: PlaceOrNone = None
    slurm_cluster: Literal["slurm", "local"] = Field(
        default="slurm", description="local: processes of this machine, to try it"
    )
    slurm_partition: str = ""
    slurm_gres: str = ""
    slurm_minutes: int = Field(default=240, ge=1)
    slurm_at_once: int = Field(default=16, ge=1)
    slurm_parts: int = Field(default=8, ge=1, description="requests that one task of an array carries out")
    slurm_setup: tuple[str, ...] = ()
    slurm_environment: _Pairs = Field(default_factory=dict)
    slurm_options: _Pairs = Field(default_factory=dict)
