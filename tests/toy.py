"""An experiment as somebody adds one: a package of two files outside of Vitrine, named in the setting `plugins`."""

from __future__ import annotations

from pathlib import Path

EXPERIMENT = '''\
"""How bright the images of a data set are."""

from typing import ClassVar

import pandas as pd
from pydantic import Field

from engine.core.experiments import experiment
from engine.core.request import Context, Progress, Request, Result
from engine.data.registry import open_dataset


@experiment(
    title="Brightness",
    about="How bright the first images of a data set are.",
    page="reliance",
)
class BrightnessRequest(Request):
    """The mean grey of the first `images` images. Table `brightness`: image, grey (0 to 255)."""

    experiment: ClassVar[str] = "brightness"
    version: ClassVar[int] = 1

    data: str = "starter"
    images: int = Field(default=3, ge=1, le=100, description="how many images are looked at")
    squared: bool = Field(default=False, description="the mean of squares instead")

    def fingerprints(self) -> dict[str, str]:
        return {"data": open_dataset(self.data).fingerprint}

    def run(self, context: Context) -> Result:
        dataset, rows = open_dataset(self.data), []
        for number in range(self.images):
            context.report(Progress(number, self.images, "Looking"))
            grey = dataset.image(number).astype(float)
            rows.append({"image": number, "grey": float((grey**2 if self.squared else grey).mean())})
        request = {"experiment": self.experiment, "version": self.version, **self.model_dump(mode="json")}
        return Result(request, tables={"brightness": pd.DataFrame(rows)}, facts={"images": len(rows)})
'''
DRAWING = '''\
"""How the page shows brightness."""

import streamlit as st

from pages.common.experiments.drawings import drawing


@drawing("brightness")
def draw(result, key):
    st.metric("Mean grey", f"{result.tables['brightness']['grey'].mean():.2f}")
'''


def package(folder: Path, name: str, drawn: bool = True) -> str:
    """Write the package; returns what stands in `plugins`."""
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text('"""Brightness for Vitrine."""\n')
    (folder / name / "brightness.py").write_text(EXPERIMENT)
    if drawn:
        (folder / name / "drawings.py").write_text(DRAWING)
    return name
