"""Train `starter-clip`: `starter-vit`'s architecture, scenes, order, augmentation and number of images, with captions for labels.

    python -m starter.make.train_clip --scenes FOLDER --out FOLDER

The loss is CLIP's (Radford et al. 2021) with two changes for a small batch: an image is told apart from the captions of
other scenes too, encoded without a gradient; and a caption that happens to be true of an image does not count as wrong
for it. Adversarial noise as for the classifiers (`starter.make.train` says why), against the same captions.
"""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
import torch.nn.functional as F
from open_clip.transformer import TextTransformer
from torch import Tensor, nn

from starter.make.captions import TEMPLATE, Caption, caption, place_concept, truths
from starter.make.evaluate import correct, scenes
from starter.make.kinds import Kind
from starter.make.muon import Muon
from starter.make.places import PLACES
from starter.make.scenes import random_numbers, training_place
from starter.make.train import PLAN, Course, Lesson, Plan, arguments, build, normalize, train

NAME = "starter-clip"
WIDTH = 192  # of the embedding
CONTEXT = 32  # tokens
TEXT: dict[str, Any] = {"context_length": CONTEXT, "vocab_size": 49408, "width": 128, "heads": 4, "layers": 2}
CAPTIONS = 2  # of each scene, each time it is seen
OTHERS = 512  # captions of other scenes that each image is told apart from
HOTTEST = 100.0  # what the similarities are multiplied with, at most


class Text(TextTransformer):
    """open_clip's text tower for texts of any length up to CONTEXT: its mask is made for exactly that many tokens."""

    def _embeds(self, text: Tensor) -> tuple[Tensor, Tensor]:
        tokens, mask = super()._embeds(text)
        assert mask is not None
        return tokens, mask[: text.shape[1], : text.shape[1]]


class Twin(nn.Module):
    """Image tower (starter-vit with an embedding for a head) and text tower, both into `WIDTH` dimensions."""

    def __init__(self) -> None:
        super().__init__()
        self.visual = build("starter-vit", WIDTH)
        projection = nn.Linear(WIDTH, WIDTH, bias=False)  # as in CLIP
        nn.init.normal_(projection.weight, std=WIDTH**-0.5)
        self.visual.head = projection
        self.text = Text(output_dim=WIDTH, **TEXT)
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    def forward(self, images: Tensor) -> Tensor:
        """(batch, 3, H, W) normalized -> (batch, WIDTH), of length one."""
        return F.normalize(self.visual(images), dim=-1)

    def words(self, tokens: Tensor) -> Tensor:
        """(texts, CONTEXT) -> (texts, WIDTH), of length one. Padding beyond the longest text is not computed."""
        longest = int((tokens != 0).sum(1).max())
        return F.normalize(self.text(tokens[:, :longest]), dim=-1)

    @property
    def scale(self) -> Tensor:
        return self.logit_scale.exp().clamp(max=HOTTEST)


def tokenizer() -> open_clip.SimpleTokenizer:
    return open_clip.SimpleTokenizer(context_length=CONTEXT)


class Concepts:
    """Which captions are true of which scenes, as one matrix product."""

    def __init__(self, kinds: list[Kind]) -> None:
        everything = sorted(set().union(*(truths(kind, None) for kind in kinds)) | {place_concept(p) for p in PLACES})
        self.number = {concept: number for number, concept in enumerate(everything)}

    def rows(self, sets: list[frozenset[str]]) -> Tensor:
        """(sets, concepts) of zeros and ones."""
        out = torch.zeros(len(sets), len(self.number))
        for row, concepts in enumerate(sets):
            out[row, [self.number[concept] for concept in concepts]] = 1
        return out

    def true(self, said: list[Caption], scenes: list[frozenset[str]]) -> Tensor:
        """(scenes, captions) bool: is everything that the caption says true of the scene?"""
        captions = self.rows([one.concepts for one in said])
        return self.rows(scenes) @ captions.T == captions.sum(1)


class ClipCourse(Course):
    """A training run of the pair of towers; all else as for the classifiers."""

    model: Twin
    average: Twin

    def __init__(self, scenes: Path, out: Path, plan: Plan, device: torch.device):
        self.tokenizer = tokenizer()
        super().__init__(NAME, scenes, out, plan, device)
        self.concepts = Concepts(self.kinds)

    def made(self) -> Twin:
        return Twin()

    def optimizers_for(self, decay: float) -> list[torch.optim.Optimizer]:
        """Muon for the matrices inside both towers, AdamW for what comes first and last and for vectors."""
        named = dict(self.model.named_parameters())
        inside = {n: p for n, p in named.items() if p.ndim == 2 and ("blocks." in n)}
        vectors = [p for n, p in named.items() if p.ndim < 2 or "pos" in n or "cls_token" in n]
        chosen = {id(p) for p in [*inside.values(), *vectors]}
        ends = [p for p in named.values() if id(p) not in chosen]
        adam = [{"params": ends, "weight_decay": decay}, {"params": vectors, "weight_decay": 0.0}]
        return [Muon(inside.values(), decay), torch.optim.AdamW(adam, lr=0.0, betas=(0.9, 0.98))]

    def place(self, scene: int) -> str:
        return training_place(random_numbers("train", 0, scene), self.kinds[scene % len(self.kinds)])

    def said(self, rng: np.random.Generator, chosen: np.ndarray) -> tuple[list[Caption], list[frozenset[str]]]:
        """A caption of each scene, and all that is true of it."""
        pairs = [(self.kinds[i % len(self.kinds)], self.place(int(i))) for i in chosen]
        return [caption(rng, kind, place) for kind, place in pairs], [truths(kind, place) for kind, place in pairs]

    def encode(self, captions: list[Caption]) -> Tensor:
        return self.model.words(self.tokenizer([one.text for one in captions]).to(self.device))

    def lesson(self, step: int, chosen: np.ndarray) -> Lesson:
        rng = np.random.default_rng([self.plan.seed, 1, step])
        more, _ = self.said(rng, rng.choice(len(self.images), OTHERS, replace=False))
        with torch.no_grad():  # texts of like length together: little padding
            more.sort(key=lambda one: len(one.text))
            others = torch.cat([self.encode(more[start : start + 128]) for start in range(0, OTHERS, 128)])
        answers = torch.arange(len(chosen), device=self.device)
        told = []  # (words, what to add to the similarities) for each caption that a scene gets
        for _ in range(CAPTIONS):
            captions, facts = self.said(rng, chosen)
            told.append((torch.cat([self.encode(captions), others]), self.doubles([*captions, *more], facts)))

        def to_captions(embedded: Tensor, words: Tensor, doubles: Tensor) -> Tensor:
            """(images, own and other captions): scaled similarities, without other captions that are true as well."""
            return self.model.scale * embedded.float() @ words.float().T + doubles[: len(embedded)]

        def loss(images: Tensor) -> Tensor:
            embedded, total = self.model(normalize(images)), torch.zeros((), device=self.device)
            for words, doubles in told:
                logits = to_captions(embedded, words, doubles)
                total = total + F.cross_entropy(logits, answers) + F.cross_entropy(logits[:, : len(chosen)].T, answers)
            return total / (2 * CAPTIONS)

        def attacked(images: Tensor) -> Tensor:
            words, doubles = told[0]
            logits = to_captions(self.model(normalize(images)), words.detach(), doubles)
            return F.cross_entropy(logits, answers[: len(images)])

        return Lesson(loss, attacked)

    def doubles(self, captions: list[Caption], facts: list[frozenset[str]]) -> Tensor:
        """(scenes, captions): minus infinity where a caption is true of a scene that it was not written for, else 0."""
        true = self.concepts.true(captions, facts).fill_diagonal_(False)
        return torch.zeros(true.shape).masked_fill_(true, -torch.inf).to(self.device)

    def held_out(self) -> float:
        table = scenes()
        return float(correct(self.classifier(), 96, table.iloc[:: max(1, len(table) // 425)]).mean())

    @torch.no_grad()
    def classifier(self) -> nn.Module:
        """The averaged image tower with one output a kind: the similarity to "a photo of a ..."."""
        self.average.eval()
        words = self.average.words(self.tokenizer([TEMPLATE.format(kind.name) for kind in self.kinds]).to(self.device))
        reading = nn.Linear(*words.shape[::-1], bias=False, device=self.device)
        reading.weight.copy_(words)
        return nn.Sequential(self.average, reading)


def main() -> None:
    args = arguments(__doc__).parse_args()
    plan = Plan(**{**asdict(PLAN), "images": args.images})
    train(ClipCourse(args.scenes, args.out, plan, torch.device(args.device)))


if __name__ == "__main__":
    main()
