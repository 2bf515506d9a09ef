"""What attentions project, seen and changed while a network runs, in whichever way it uses their weights.

Most attentions call a layer, some multiply with its weights themselves (BEiT, Swin v2), and torch's own hands them to a
function. So what is caught is the product with the weight.
"""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, multi_head_attention_forward
from torch.overrides import TorchFunctionMode

from engine.sites.attention import PARTS, held, projected

Edit = Callable[[nn.Module, str, Tensor], Tensor | None]


class Projecting(TorchFunctionMode):
    """Inside, `edit(attention, query|key|value, tensor)` is shown each that one of these attentions projects, (batch, ...,
    unit) with its heads one after the other; what it returns takes the tensor's place, None leaves it.

    Acts in the thread that entered it alone.
    """

    def __init__(self, attentions: Iterable[nn.Module], edit: Edit) -> None:
        super().__init__()
        self._edit = edit
        self._parts: dict[int, list[tuple[nn.Module, str, Tensor | slice]]] = defaultdict(list)
        self._weights: list[Tensor] = []  # kept, so that no other tensor gets the identity of one of them
        for attention in dict.fromkeys(attentions):
            for part, rows in projected(attention):
                weight, at = held(rows)
                self._parts[id(weight)].append((attention, part, at))
                self._weights.append(weight)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is linear:
            weight = args[1] if len(args) > 1 else kwargs["weight"]
            return self._edited(id(weight), func(*args, **kwargs))
        if func is multi_head_attention_forward:
            return self._torchs_own(args, kwargs)
        return func(*args, **kwargs)

    def _edited(self, weight: int, output: Tensor) -> Tensor:
        changed = output
        for attention, part, at in self._parts.get(weight, ()):
            if (new := self._edit(attention, part, output[..., at])) is not None:
                changed = output.clone() if changed is output else changed
                changed[..., at] = new
        return changed

    def _torchs_own(self, args: Any, kwargs: Any) -> Any:
        """Torch's own attention, which projects inside. It is given what is projected already, and projects no more."""
        arguments = inspect.signature(multi_head_attention_forward).bind(*args, **kwargs).arguments
        weight, whole_bias = arguments["in_proj_weight"], arguments["in_proj_bias"]
        if id(weight) not in self._parts:
            return multi_head_attention_forward(*args, **kwargs)
        biases = [None] * 3 if whole_bias is None else whole_bias.chunk(3)
        changed = False
        for (attention, part, at), bias in zip(self._parts[id(weight)], biases, strict=True):
            product = linear(arguments[part], weight[at], bias)
            new = self._edit(attention, part, product.transpose(0, 1))  # it has its positions first
            changed = changed or new is not None
            arguments[part] = product if new is None else new.transpose(0, 1)
        if not changed:
            return multi_head_attention_forward(*args, **kwargs)
        identity = torch.eye(weight.shape[1], dtype=weight.dtype, device=weight.device)
        arguments |= {"in_proj_bias": None, "use_separate_proj_weight": True}
        arguments |= {f"{part[0]}_proj_weight": identity for part in PARTS}
        return multi_head_attention_forward(**arguments)
