"""Muon: momentum whose update is made nearly orthogonal, for matrices and convolution kernels.

On a run this short it reaches a given loss in clearly fewer steps than Adam; vectors, tables and the
layers at the model's ends stay with AdamW.
"""

import torch
from torch import Tensor


def orthogonal(m: Tensor, steps: int = 5) -> Tensor:
    """The nearest orthogonal matrix, roughly, by Newton-Schulz steps in bfloat16."""
    x = m.bfloat16()
    x = x / (x.norm() + 1e-7)
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    for _ in range(steps):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return (x.T if tall else x).to(m.dtype)


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, orthogonalised per parameter, with decoupled weight decay."""

    def __init__(self, parameters: list[Tensor], lr: float, momentum: float = 0.95, decay: float = 0.01):
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "decay": decay})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            for p in group["params"]:
                self._move(p, group)

    def _move(self, p: Tensor, group: dict) -> None:
        state = self.state[p]
        if not state:
            state["momentum"] = torch.zeros_like(p)
        state["momentum"].lerp_(p.grad, 1 - group["momentum"])
        update = p.grad.lerp(state["momentum"], group["momentum"]).flatten(1)
        scale = max(1.0, update.shape[0] / update.shape[1]) ** 0.5
        p.mul_(1 - group["lr"] * group["decay"])
        p.add_(orthogonal(update).view_as(p), alpha=-group["lr"] * scale)
