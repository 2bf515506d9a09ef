"""Muon (Jordan et al. 2024): momentum whose matrix is made orthogonal before it is applied.

Ours because `torch.optim.Muon` computes the orthogonal factor in bf16, which processors without bf16 units emulate
very slowly, and because it takes no filters. A filter (out, in, h, w) counts as an (out, in * h * w) matrix.
Updates are scaled to the size that AdamW's would have (Liu et al. 2025), so one learning rate serves both.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor


def orthogonal(matrix: Tensor, rounds: int = 5) -> Tensor:
    """(rows, columns) -> roughly U V^T of its singular value decomposition, by a quintic Newton-Schulz iteration."""
    a, b, c = 3.4445, -4.7750, 2.0315
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    wide = wide / (wide.norm() + 1e-7)
    for _ in range(rounds):
        gram = wide @ wide.T
        wide = a * wide + (b * gram + c * gram @ gram) @ wide
    return wide if matrix.shape[0] <= matrix.shape[1] else wide.T


class Muon(torch.optim.Optimizer):
    def __init__(self, parameters: Iterable[Tensor], weight_decay: float, momentum: float = 0.95):
        super().__init__(parameters, {"lr": 0.0, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for parameter in group["params"]:
                state = self.state[parameter]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(parameter)
                gradient = parameter.grad
                state["momentum"].lerp_(gradient, 1 - group["momentum"])
                ahead = gradient.lerp(state["momentum"], group["momentum"])
                matrix = ahead.reshape(len(ahead), -1).float()
                update = orthogonal(matrix) * (0.2 * max(matrix.shape) ** 0.5)
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                parameter.add_(update.view_as(parameter), alpha=-group["lr"])
        return None
