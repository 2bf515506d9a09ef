"""Images as people have them (PIL, files, arrays, tensors), as the engine takes them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from engine.core.errors import BadRequest
from engine.core.images import open_image, to_input, to_png
from engine.core.paths import typed_path
from engine.data import uploads

WHAT = (
    "Give PIL images, paths, or arrays of (height, width, 3) with numbers from 0 to 255 (uint8) or from 0 to 1 (float)"
)


def as_batch(images: Any, size: tuple[int, int]) -> Tensor:
    """One image or several -> (batch, 3, height, width) float32 in [0, 1], as a model of this input size sees them.

    Raises VitrineError for no images and for what is none.
    """
    several = _several(images)
    if not several:
        raise BadRequest(f"No images given. {WHAT}.")
    return torch.stack([_fitted(_pixels(image), size) for image in several])


def as_reference(image: Any) -> str:
    """An image as requests name it: the number of one of the data set, or `up-<digest>` of one that is kept for later.

    Raises VitrineError for what is no image.
    """
    if isinstance(image, int | np.integer) or (isinstance(image, str) and (image.isdecimal() or _is_upload(image))):
        return str(image)
    pixels = _pixels(image)
    if pixels.dtype != np.uint8:
        pixels = np.round(pixels * 255).astype(np.uint8)
    return f"{uploads.UPLOADED}{uploads.keep_image(to_png(pixels), 'The image')}"


def _is_upload(text: str) -> bool:
    return uploads.is_upload(text) and not Path(text).exists()


def _several(images: Any) -> Sequence[Any]:
    if isinstance(images, str | Path | Image.Image):
        return [images]
    if isinstance(images, Sequence):
        return images
    if hasattr(images, "ndim") and images.ndim in (2, 3, 4):
        return [*images] if images.ndim == 4 else [images]
    raise BadRequest(f"A {type(images).__name__} is not an image. {WHAT}.")


def _pixels(image: Any) -> np.ndarray:
    """uint8, or float32 in [0, 1]: (height, width, 3)."""
    if isinstance(image, str | Path):
        return open_image(typed_path(str(image)))
    if isinstance(image, Image.Image):
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        return open_image(buffer.getvalue())  # transparency becomes white there, as everywhere
    if isinstance(image, Tensor):
        image = image.detach().cpu().numpy()
    array = np.asarray(image)
    if array.ndim == 3 and array.shape[0] in (1, 3) and array.shape[2] not in (1, 3):
        array = array.transpose(1, 2, 0)
    array = np.repeat(array[:, :, None], 3, 2) if array.ndim == 2 else array
    array = np.repeat(array, 3, 2) if array.ndim == 3 and array.shape[2] == 1 else array
    if array.ndim != 3 or array.shape[2] != 3 or 0 in array.shape:
        raise BadRequest(f"An array of {' x '.join(map(str, np.shape(image)))} is not an image. {WHAT}.")
    if array.dtype == np.uint8:
        return array
    if not np.issubdtype(array.dtype, np.floating):
        raise BadRequest(f"The value range of an image of type {array.dtype} is ambiguous. {WHAT}.")
    if not np.isfinite(array).all() or array.min() < 0 or array.max() > 1:
        raise BadRequest(
            f"This image has values outside 0 to 1, as after normalisation, which the model does itself. {WHAT}."
        )
    return array.astype(np.float32)


def _fitted(pixels: np.ndarray, size: tuple[int, int]) -> Tensor:
    if pixels.dtype != np.uint8 and pixels.shape[:2] != size:  # scaled the way that files are
        pixels = np.round(pixels * 255).astype(np.uint8)
    fitted = to_input(pixels, size)
    scale = 255 if fitted.dtype == np.uint8 else 1
    return torch.from_numpy(np.ascontiguousarray(fitted)).permute(2, 0, 1).float() / scale
