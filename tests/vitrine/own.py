"""A person's own module with known answers: unit 0 is how red a place is, unit 1 how green, unit 2 how blue."""

from __future__ import annotations

import torch
from torch import Tensor, nn

SIZE = 32
HALF = {"size": SIZE, "mean": 0.5, "std": 0.5}


class Colours(nn.Module):
    """Its activation function is no module, and its classifier has a name of its own."""

    def __init__(self, strength: float = 1.0) -> None:
        super().__init__()
        self.mix = nn.Conv2d(3, 3, 1)
        self.answer = nn.Linear(3, 2)
        with torch.no_grad():
            weight = strength * (1.5 * torch.eye(3) - 0.5)
            self.mix.weight.copy_(weight[:, :, None, None])
            self.mix.bias.zero_()
            self.answer.weight.copy_(torch.tensor([[1.0, 0, 0], [0, 1.0, 0]]))
            self.answer.bias.zero_()

    def forward(self, images: Tensor) -> Tensor:
        return self.answer(self.mix(images).mean((2, 3)))
