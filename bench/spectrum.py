"""Measure the power spectrum of the starter's scenes and write `starter/spectrum.safetensors`.

    python -m bench.spectrum [--out FILE]

It is what MACO fixes: the sizes of waves, colours decorrelated.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from safetensors.numpy import save_file

from engine.data.registry import open_dataset
from engine.visualization.optimization.parameterization import COLOUR_ROOT
from engine.visualization.spectrum import FILE, SIDE, frequencies


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=FILE)
    out = parser.parse_args().out
    scenes = open_dataset("starter")
    apart = torch.linalg.inv(COLOUR_ROOT)
    total, count = torch.zeros(3, SIDE, SIDE // 2 + 1), 0
    for _, pixels in scenes.batches((SIDE, SIDE), 64):
        images = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
        total += torch.fft.rfft2(torch.einsum("cr,nrhw->nchw", apart, images), norm="ortho").abs().sum(0)
        count += len(pixels)
    whitened = total / count * frequencies((SIDE, SIDE))
    whitened[:, 0, 0] = (whitened[:, 0, 1] + whitened[:, 1, 0]) / 2  # the constant has no frequency: its neighbours'
    source = f"mean over the {count} scenes of starter/scenes/evaluation.parquet, by bench/spectrum.py"
    save_file({"whitened": whitened.numpy()}, out, metadata={"source": source})
    print(f"{out.name}: {source}")


if __name__ == "__main__":
    main()
