"""What is known of units and targets on all images of a data set, and which of it a result keeps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engine.visualization.scoring.strongest import MOST, Images
from engine.visualization.scoring.table import could_be_stronger


@dataclass(frozen=True)
class OnData:
    """The images that pictures are compared with, and what is kept of units and targets on all of the data set."""

    images: Images
    kept: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def facts(self) -> dict[str, Any]:
        count = len(self.images.numbers)
        return {"images": count, "augmented": min(MOST, count), "could_be_stronger": could_be_stronger(count)}


KEPT_OF_INDEX = {"top": "", "top_values": "_values", "top_maps": "_maps"}
"""What a result has of its units' strongest images, and where the layer's index has it for all units."""
