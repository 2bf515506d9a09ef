"""What one unit does on the images of a data set: from the index of its layer where that is there, else from the result of its
picture, which brings as much for its own units (those that come with Vitrine have no index beside them)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from engine.core.request import Result
from pages.common import overlay, results
from pages.common.units import images


@dataclass(frozen=True)
class OnData:
    """`key`, `row` and `whole` say where it stands: in which result, at which row of its arrays, and whether that is an index."""

    key: str
    row: int
    whole: bool

    @property
    def _result(self) -> Result:
        found = results.find(self.key)
        assert found is not None, "it was there when this was made"
        return found

    def _of(self, name: str) -> np.ndarray:
        return self._result.arrays[f"top_mean{name}" if self.whole else f"unit_top{name}"][self.row]

    @property
    def top(self) -> np.ndarray:
        """Numbers (T,) of the strongest images, strongest first."""
        return self._of("")

    @property
    def maps(self) -> np.ndarray:
        """Where in them the unit is active: (T, h, w)."""
        return self._of("_maps")

    @property
    def values(self) -> np.ndarray:
        """The unit's mean over positions (N,) on each image."""
        arrays = self._result.arrays
        return arrays["position_mean"][:, self.row] if self.whole else arrays["unit_values"][self.row]

    @property
    def images(self) -> np.ndarray:
        """The numbers (N,) of these images."""
        return self._result.arrays["images" if self.whole else "on_images"]

    @property
    def scale(self) -> tuple[float, float]:
        """The one scale of all of the unit's maps: from the median to the highest position of its strongest images. These lie
        above the unit's mean nearly everywhere; the median shows where in them it responds the most."""
        maps = self.maps.astype(np.float32)
        return (float(np.median(maps)), float(maps.max())) if maps.size else (0.0, 0.0)

    def ranks(self, data: str, count: int) -> list[int]:
        """Ranks of the strongest images, strongest first, at most `count`; of a matched set only the strongest."""
        return images.ranks(self.top, data, count)

    def scene(self, rank: int, data: str, size: tuple[int, int], mapped: bool) -> bytes:
        """PNG bytes of the image of this rank, cut as the model saw it, dimmed where the unit is not active if `mapped`."""
        opened = results.dataset(data)
        return _scene((self.key, self.row, self.whole), rank, (data, opened.fingerprint), size, mapped)


def of_unit(index_key: str, unit: int, picture_key: str = "") -> OnData | None:
    """What is known of this unit: by its layer's index, or by the result of its picture; None where neither is there."""
    if results.find(index_key) is not None:
        return OnData(index_key, unit, True)
    if picture_key and (made := results.find(picture_key)) is not None and "unit_top" in made.arrays:
        units = list(made.request.get("units", ()))
        if unit in units:
            return OnData(picture_key, units.index(unit), False)
    return None


@st.cache_resource(max_entries=results.MOST_SCENES, show_spinner=False)
def _scene(of: tuple[str, int, bool], rank: int, data: tuple[str, str], size: tuple[int, int], mapped: bool) -> bytes:
    from engine.core.images import to_input, to_png

    known = OnData(*of)
    image = to_input(results.dataset(data[0]).image(int(known.top[rank])), size)
    return to_png(overlay.spotlight(image, known.maps[rank], *known.scale) if mapped else image)
