"""One model under every condition that the last layers can be put under, while images stream by.

Invariant: all conditions see the same images in the same order, so that any two of them can be paired.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from engine.models.loaded import LoadedModel
from engine.spatial import attention
from engine.spatial.accuracy import Answers, Positions
from engine.spatial.blocks import ReadOut, Stack, UnsupportedArchitecture
from engine.spatial.uniform import Averaging, averagings, uniform

WATCHED = 256
"""Images whose attention weights are looked at: their means are steady long before all images are."""


class Probes:
    """One model under all of these conditions, while images stream by. Whatever it does not have is left out, and
    said."""

    def __init__(self, model: LoadedModel) -> None:
        self.model = model
        self.answers, self.missing = Answers(), dict[str, None]()
        self.attentions = attention.attentions(model.module)
        self.readout = self._or_none(lambda: ReadOut.of(model))
        self.stack: Stack | None = None
        self.reads_prefix = self.readout is not None and self.readout.reads_prefix
        if not self.attentions:
            self._say(
                f"{model.name} has neither attention nor a class token, so only heads and positions are evaluated."
            )
        elif self.readout is not None:
            self.stack = self._or_none(lambda: self._stack(self.readout))
            if not self.reads_prefix:
                self._say(
                    f"The head of {model.name} does not use a class token, so class token isolation does not apply."
                )
        self.averagings = self._averagings()
        self.watchable = self._watchable()
        grid = self.readout.grid if self.readout else None
        self.positions = Positions(grid.height * grid.width) if grid else None
        self.seen: dict[tuple[int, int], list[Tensor]] = {}
        self.images = 0

    def add(self, normalized: Tensor, labels: Tensor) -> None:
        """Take in a batch of normalised images with the model's classes for them."""
        if self.stack is not None:
            states = self._natural(self.stack, normalized, labels)
            if self.reads_prefix:
                self._isolation(self.stack, states, labels)
                self._prefix_only(self.stack, states, labels)
            self._uniform_in_stack(self.stack, states, labels)
        else:
            self._whole(normalized, labels)
        self.images += len(labels)

    # The model as it is, and its heads

    def _natural(self, stack: Stack, normalized: Tensor, labels: Tensor) -> list[Tensor]:
        """Tokens before the first block and after each."""
        states = [stack.embed(normalized)]
        with attention.watched(self.attentions if self._watching() else []) as seen:
            for index in range(len(stack.blocks)):
                states.append(stack.run(index, states[-1], "natural"))
        self._look(seen)
        with torch.autocast(self.model.device.type, enabled=False):
            self._heads(stack.norm(states[-1].float()), labels)
        return states

    def _heads(self, features: Tensor, labels: Tensor) -> None:
        """The head on the features, in float32: as it is, on means, and on each position."""
        readout = self.readout
        assert readout is not None and self.positions is not None
        answer = readout.logits(features)
        self.answers.add("natural", answer, labels)
        if readout.reads_prefix:
            self.answers.add("cls", answer, labels)
        tokens = readout.positions(features)
        patches = tokens[:, readout.grid.prefix :]
        self.answers.add("patch_mean", readout.single(patches.mean(dim=1)), labels)
        self.answers.add("all_mean", readout.single(tokens.mean(dim=1)), labels)
        self.positions.add(readout.single(patches), labels)

    def _whole(self, normalized: Tensor, labels: Tensor) -> None:
        """A model that is not taken apart: its heads, and one pass for each attention that is made uniform."""
        module: Any = self.model.module
        with attention.watched(self.attentions if self._watching() else []) as seen:
            output = module(normalized) if self.readout is None else module.forward_features(normalized)
        self._look(seen)
        if self.readout is None:
            self.answers.add("natural", output.float(), labels)
        else:
            with torch.autocast(self.model.device.type, enabled=False):
                self._heads(output.float(), labels)
        for index, part in enumerate(self.attentions):
            self._uniform(index, None, part, lambda: module(normalized).float(), labels)
        for head in range(attention.heads_of(self.attentions[-1]) if self.attentions else 0):
            last = len(self.attentions) - 1
            self._uniform(last, head, self.attentions[last], lambda: module(normalized).float(), labels)

    # The class token apart from the patches

    def _isolation(self, stack: Stack, states: list[Tensor], labels: Tensor) -> None:
        """For every L: one stream of patches alone and one of the prefix alone serve all."""
        depth, prefix = len(stack.blocks), stack.prefix
        self.answers.add("isolation 0", stack.rest(depth, states[-1], "joint"), labels)
        alone, patches = states[0][:, :prefix], states[0][:, prefix:]
        for count in range(1, depth + 1):
            alone = stack.run(count - 1, alone, "prefix alone")
            if count == depth:
                answer = self._answer_alone(stack, alone)
            else:
                patches = stack.run(count - 1, patches, "patches alone")
                answer = stack.rest(count, torch.cat([alone, patches], dim=1), "joint")
            self.answers.add(f"isolation {count}", answer, labels)

    def _prefix_only(self, stack: Stack, states: list[Tensor], labels: Tensor) -> None:
        depth = len(stack.blocks)
        for after in range(depth + 1):
            alone = states[after][:, : stack.prefix]
            for index in range(after, depth):
                alone = stack.run(index, alone, "prefix alone")
            self.answers.add(f"cls_only {after}", self._answer_alone(stack, alone), labels)

    def _answer_alone(self, stack: Stack, alone: Tensor) -> Tensor:
        """From the prefix alone. A head that reads the image too is given the prefix's mean in its place."""
        if stack.readout.reads_image:
            places = stack.readout.grid.positions - stack.prefix
            alone = torch.cat([alone, alone.mean(dim=1, keepdim=True).expand(-1, places, -1)], dim=1)
        return stack.answer(alone)

    # Attention taken away, and looked at

    def _uniform_in_stack(self, stack: Stack, states: list[Tensor], labels: Tensor) -> None:
        last = len(stack.blocks) - 1
        for index, part in enumerate(self.attentions):
            heads: list[int | None] = [None, *(range(attention.heads_of(part)) if index == last else ())]
            for head in heads:

                def answer(index: int = index) -> Tensor:
                    return stack.run(index, states[index], "uniform")

                self._uniform(index, head, part, answer, labels, lambda out, i=index: stack.rest(i + 1, out, "uniform"))

    def _uniform(
        self,
        index: int,
        head: int | None,
        part: nn.Module,
        run: Callable[[], Tensor],
        labels: Tensor,
        rest: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        """The answer with this attention (number `index`), or one `head` of it, made uniform: what `run` gives, and from there
        on what `rest` makes of it. Nothing for an attention that cannot be."""
        averaging = self.averagings.get(part)
        if averaging is None:
            return
        try:
            with uniform(averaging, None if head is None else [head]):
                out = run()
        except UnsupportedArchitecture as error:
            self._say(str(error))
            return
        name = f"uniform {index}" if head is None else f"uniform {index} {head}"
        self.answers.add(name, out if rest is None else rest(out), labels)

    def _watching(self) -> bool:
        return self.watchable and self.images < WATCHED

    def _look(self, seen: list[tuple[nn.Module, attention.Projections, Tensor]]) -> None:
        """Entropy and distance of each head of each block, averaged over queries, one row an image."""
        prefix = [site for site in self.model.sites.values() if site.block != "head"][-1].grid.prefix
        for part, projected, _ in seen:
            spread = attention.spread(attention.weights(part, projected))
            parts = [each[..., prefix:].mean(dim=2) for each in spread]
            parts.append(spread[0][..., :prefix].mean(dim=2) if prefix else torch.full_like(parts[0], torch.nan))
            for head, values in enumerate(torch.stack(parts, dim=2).transpose(0, 1)):
                self.seen.setdefault((self.attentions.index(part), head), []).append(values.float().cpu())

    # What can be done to this model

    def _stack(self, readout: ReadOut) -> Stack:
        """Its blocks, with `attentions` those inside them: a head that pools by attention is no block."""
        stack = Stack.of(self.model, readout)
        inside = [attention.attentions(block) for block in stack.blocks]
        if any(len(parts) != 1 for parts in inside):
            raise UnsupportedArchitecture(f"The blocks of {self.model.name} do not have one attention each.")
        self.attentions = [part for (part,) in inside]
        return stack

    def _averagings(self) -> dict[nn.Module, Averaging]:
        """Those attentions that can be made uniform; of the others it is said why they cannot."""
        if not self.attentions:
            return {}
        known = averagings(self.model.module, self.attentions, self._noise())
        refused = Counter(str(each) for each in known.values() if not isinstance(each, Averaging))
        for reason, count in refused.items():
            self._say(f"{self.model.name}, {count} of {len(self.attentions)} attention layers: {reason}")
        return {part: each for part, each in known.items() if isinstance(each, Averaging)}

    def _watchable(self) -> bool:
        """Whether query and key are all there is to the weights of every attention."""
        if not self.attentions:
            return False
        with attention.watched(self.attentions) as seen:
            self.model.module(self._noise())
        fits = {part for part, *_ in seen} == {*self.attentions} and all(
            len(projected["query"]) == 1 and attention.explains(part, projected, added)
            for part, projected, added in seen
        )
        if not fits:
            self._say(
                f"The attention weights of {self.model.name} depend on more than queries and keys; they are not shown."
            )
        return fits

    def _noise(self) -> Tensor:
        """One image of noise, normalised."""
        noise = torch.rand(1, 3, *self.model.input_size, generator=torch.Generator().manual_seed(0))
        return self.model.normalize(noise.to(self.model.device))

    def _say(self, line: str) -> None:
        self.missing[line] = None

    def _or_none(self, make: Any) -> Any:
        try:
            return make()
        except UnsupportedArchitecture as error:
            self._say(str(error))
            return None
