"""Measure the power spectrum of the starter's scenes and write `starter/spectrum.safetensors`.

    python -m bench.spectrum

What MACO fixes (sizes of waves, colours decorrelated) and what pictures are compared with (radial profile of the
luminance, and how far single scenes are from it).
"""

from __future__ import annotations

import numpy as np
import torch
from safetensors.numpy import save_file

from engine.data.registry import open_dataset
from engine.visualization.optimization.parameterization import COLOUR_ROOT
from engine.visualization.spectrum import FILE, SIDE, frequencies, radial


def main() -> None:
    scenes = open_dataset("starter")
    apart = torch.linalg.inv(COLOUR_ROOT)
    total, profiles = torch.zeros(3, SIDE, SIDE // 2 + 1), []
    for _, pixels in scenes.batches((SIDE, SIDE), 64):
        images = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
        total += torch.fft.rfft2(torch.einsum("cr,nrhw->nchw", apart, images), norm="ortho").abs().sum(0)
        profiles += [radial(image) for image in pixels]
    whitened = total / len(profiles) * frequencies((SIDE, SIDE))
    whitened[:, 0, 0] = (whitened[:, 0, 1] + whitened[:, 1, 0]) / 2  # the constant has no frequency: its neighbours'
    mean = np.mean(profiles, 0)
    distances = np.sqrt(np.mean((np.stack(profiles) - mean) ** 2, 1))
    arrays = {
        "whitened": whitened.numpy(),
        "profile": (mean - mean.mean()).astype(np.float32),
        "distances": np.percentile(distances, np.arange(101)).astype(np.float32),
    }
    source = f"mean over the {len(profiles)} scenes of starter/scenes/evaluation.parquet, by bench/spectrum.py"
    save_file(arrays, FILE, metadata={"source": source})
    slope = np.polyfit(np.arange(len(mean)), mean, 1)[0] * (len(mean) / np.log10(SIDE / 2))
    print(f"{FILE.name}: {source}; power falls as frequency to the {slope:.2f}")
    print("distance to the mean profile: median {:.3f}, 95% below {:.3f}".format(*np.percentile(distances, (50, 95))))


if __name__ == "__main__":
    main()
