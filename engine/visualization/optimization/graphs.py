"""The network's part of a step as a CUDA graph, where that pays: the same kernels with the same results, launched all at once.

A step is some five hundred small operations. For a small network or a small batch a card is done with each before the next
one is launched; a graph launches all of them together. Whether it pays is measured once for each kind of batch, and kept for
this machine. It changes no byte of a picture (tests/engine/visualization/optimization/test_on_gpu.py), so nobody is told.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from engine.core import kept, precision, processor
from engine.core.errors import out_of_memory
from engine.models.loaded import LoadedModel
from engine.visualization.goals import Measure

log = logging.getLogger(__name__)

WORTH_IT = 1.1
CALLS = 8
"""How many steps of each kind are timed."""

Work = Callable[[Tensor], Tensor]
Capture = Callable[[Work, Tensor], Work]
"""(what is to be captured, images of the shape that it will be given) -> the same, as a graph."""


def capture_on_cuda(work: Work, images: Tensor) -> Work:
    """Both ways, the values and their gradient, as torch captures them."""
    captured: Any = torch.cuda.make_graphed_callables(work, (images,))
    return captured


def graphed(measure: Measure, model: LoadedModel, site: str, capture: Capture | None = None) -> Measure:
    """The measure itself, or on CUDA one that becomes a graph at the first step without a leak, if that pays. `capture`: another
    way to capture, for any device."""
    if capture is None and model.device.type != "cuda":
        return measure
    return _Graphed(measure, model, site, capture or capture_on_cuda)


class _Graphed:
    """A measure that is captured once it stays the same from step to step: while there is a leak, that changes."""

    def __init__(self, measure: Measure, model: LoadedModel, site: str, capture: Capture) -> None:
        self.measure, self.model, self.site, self.capture = measure, model, site, capture
        self._graph: Work | None = None

    def __call__(self, images: Tensor, leak: float) -> Tensor:
        if leak or not torch.is_grad_enabled():
            return self.measure(images, leak)
        if self._graph is None:
            self._graph = self._decided(images)
        return self._graph(images)

    def _plain(self, images: Tensor) -> Tensor:
        return self.measure(images, 0.0)

    def _decided(self, images: Tensor) -> Work:
        """The graph where it pays or is not known not to, the plain way otherwise."""
        about = (*kept.machine(self.model.device), precision.name(self.model.device))
        about += (self.model.fingerprint, self.site, str(tuple(images.shape)))
        path = kept.kept_in("graphs", about)
        facts = kept.read(path, about)
        if facts is not None and not facts.get("pays"):
            return self._plain
        example = torch.zeros_like(images).requires_grad_()
        try:
            graph = self.capture(self._plain, example)
        except RuntimeError as error:  # an operation that waits for the device, or no room for a graph's own memory
            log.info("%s cannot be captured: %s", self.site, error)
            if not out_of_memory(error):  # room may be there next time
                kept.keep(path, about, {"pays": False, "times_as_fast": 0.0})
            return self._plain
        if facts is None:
            once, at_once = (seconds(work, example, self.model.device) for work in (self._plain, graph))
            facts = {"pays": once >= WORTH_IT * at_once, "times_as_fast": round(once / at_once, 2)}
            log.info("a step on %s is %s times as fast as a graph", self.site, facts["times_as_fast"])
            kept.keep(path, about, facts)
        return graph if facts["pays"] else self._plain


def seconds(work: Work, images: Tensor, device: torch.device) -> float:
    """Of one call and its gradient, over some, after one that is not counted."""
    start = 0.0
    for call in range(CALLS + 1):
        torch.autograd.grad(work(images).sum(), images)
        if call == 0:
            processor.wait(device)
            start = time.perf_counter()
    processor.wait(device)
    return (time.perf_counter() - start) / CALLS
