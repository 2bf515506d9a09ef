"""Train `starter-clip`: `starter-vit`'s architecture, scenes, order, augmentation and number of images, with captions for labels.

    python -m starter.make.train_clip --scenes FOLDER --out FOLDER

The loss is CLIP's (Radford et al. 2021) with changes for a small batch and few images: an image is told apart from the
captions of other scenes too; a caption that happens to be true of an image does not count as wrong for it; finding the
caption of an image weighs more than finding the image of a caption; and of the two captions that a scene gets, one says what
stands there. Before the first image the text tower reads captions alone (`ClipCourse.read`), so that images have something
to learn from at once. Adversarial noise as for the classifiers (`starter.make.train` says why), against the same captions.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
import torch.nn.functional as F
from open_clip.transformer import TextTransformer
from torch import Tensor, nn

from starter.make.captions import TEMPLATE, Caption, caption, naming, place_concept, truths
from starter.make.evaluate import correct, scenes
from starter.make.kinds import Kind
from starter.make.muon import Muon
from starter.make.places import PLACES
from starter.make.scenes import random_numbers, training_place
from starter.make.train import PLAN, Course, Lesson, Plan, arguments, build, normalize, rate_at, train, use_bf16

NAME = "starter-clip"
WIDTH = 192  # of the embedding
CONTEXT = 32  # tokens
TEXT: dict[str, Any] = {"context_length": CONTEXT, "vocab_size": 49408, "width": 128, "heads": 4, "layers": 2}
OTHERS = 384  # captions of other scenes that each image is told apart from; half of them names
FINDING_IMAGES = 0.5  # weight of finding a caption's image, where finding an image's caption weighs 1
READ = {"steps": 500, "captions": 384, "rate": 2e-3, "scale": 20.0}  # what the text tower reads before the first image
TEXT_RATE = 0.2  # of the learning rate: images follow words only as fast as those hold still
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


def parts_of(tower: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter], list[nn.Parameter]]:
    """A tower's matrices inside its blocks, what comes first and last, and its vectors."""
    named = dict(tower.named_parameters())
    matrices = [name for name, p in named.items() if p.ndim == 2 and "blocks." in name]
    vectors = [name for name, p in named.items() if p.ndim < 2 or "pos" in name or "cls_token" in name]
    ends = [name for name in named if name not in {*matrices, *vectors}]
    return [named[n] for n in matrices], [named[n] for n in ends], [named[n] for n in vectors]


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

    def __init__(self, scenes: Path, out: Path, plan: Plan, device: torch.device, precision: str = "auto"):
        self.tokenizer = tokenizer()
        super().__init__(NAME, scenes, out, plan, device, precision)
        self.concepts = Concepts(self.kinds)

    def made(self) -> Twin:
        return Twin()

    def optimizers_for(self, decay: float) -> list[torch.optim.Optimizer]:
        """Muon for the matrices inside both towers, AdamW for what comes first and last and for vectors."""
        towers = [(self.model.visual, 1.0), (self.model.text, TEXT_RATE)]
        inside, adam = [], [{"params": [self.model.logit_scale], "weight_decay": 0.0, "rate": TEXT_RATE}]
        for tower, rate in towers:
            matrices, ends, vectors = parts_of(tower)
            inside.append({"params": matrices, "rate": rate})
            adam.append({"params": ends, "weight_decay": decay, "rate": rate})
            adam.append({"params": vectors, "weight_decay": 0.0, "rate": rate})
        return [Muon(inside, decay), torch.optim.AdamW(adam, lr=0.0, betas=(0.9, 0.98), fused=True)]

    def read(self) -> None:
        """The text tower alone: a name and another caption of the same scene belong together, as against those of others."""
        matrices, ends, vectors = parts_of(self.model.text)
        optimizers = [Muon(matrices, 0.0), torch.optim.AdamW([*ends, *vectors], lr=0.0, weight_decay=0.0, fused=True)]
        steps, size = int(READ["steps"]), int(READ["captions"])
        for step in range(steps):
            rng = np.random.default_rng([self.plan.seed, 2, step])
            chosen = rng.choice(len(self.kinds), size, replace=False)
            captions, facts = self.said(rng, chosen)
            with torch.autocast(self.device.type, torch.bfloat16, enabled=use_bf16(self.device)):
                names, words = self.encode(self.names(rng, chosen)), self.encode(captions)
            logits = READ["scale"] * names.float() @ words.float().T
            logits = logits.masked_fill(self.true(captions, facts).fill_diagonal_(False), -torch.inf)
            answers = torch.arange(size, device=self.device)
            loss = F.cross_entropy(logits, answers) + F.cross_entropy(logits.T, answers)
            self.model.text.zero_grad(set_to_none=True)
            loss.backward()
            for optimizer in optimizers:
                for group in optimizer.param_groups:
                    group["lr"] = READ["rate"] * rate_at(step / steps, self.plan)
                optimizer.step()
            print(f"\r{NAME} reads {(step + 1) * size:,} captions, loss {loss.item() / 2:.3f}  ", end="", flush=True)
        print()
        self.average.load_state_dict(self.model.state_dict())

    def place(self, scene: int) -> str:
        return training_place(random_numbers("train", 0, scene), self.kinds[scene % len(self.kinds)])

    def said(self, rng: np.random.Generator, chosen: np.ndarray) -> tuple[list[Caption], list[frozenset[str]]]:
        """A caption of each scene, and all that is true of it."""
        pairs = [(self.kinds[i % len(self.kinds)], self.place(int(i))) for i in chosen]
        return [caption(rng, kind, place) for kind, place in pairs], [truths(kind, place) for kind, place in pairs]

    def names(self, rng: np.random.Generator, chosen: np.ndarray) -> list[Caption]:
        """What stands in each scene, and no more."""
        return [naming(rng, self.kinds[i % len(self.kinds)]) for i in chosen]

    def encode(self, captions: list[Caption]) -> Tensor:
        """(captions, WIDTH). Texts of like length go together: little padding."""
        order = sorted(range(len(captions)), key=lambda i: len(captions[i].text))
        texts = [captions[i].text for i in order]
        parts = [
            self.model.words(self.tokenizer(texts[i : i + 128]).to(self.device)) for i in range(0, len(texts), 128)
        ]
        return torch.cat(parts)[torch.tensor(order, device=self.device).argsort()]

    def true(self, captions: list[Caption], facts: list[frozenset[str]]) -> Tensor:
        return self.concepts.true(captions, facts).to(self.device)

    def lesson(self, step: int, chosen: np.ndarray) -> Lesson:
        rng, count = np.random.default_rng([self.plan.seed, 1, step]), len(chosen)
        said, facts = self.said(rng, chosen)
        others = rng.choice(len(self.images), OTHERS, replace=False)
        captions = self.names(rng, chosen) + said
        captions += self.names(rng, others[::2]) + self.said(rng, others[1::2])[0]
        words, true = self.encode(captions), self.true(captions, facts)
        answers = torch.arange(count, device=self.device)

        def logits_of(embedded: Tensor, first: int) -> Tensor:
            """(images, captions): scaled similarities, where an image's own captions begin at `first`; minus infinity where
            any other caption is true of it too."""
            hidden = true.clone()
            hidden[answers, first + answers] = False
            similarity = self.model.scale * embedded.float() @ words.float().T
            return similarity.masked_fill(hidden[: len(embedded)], -torch.inf)

        def loss(images: Tensor) -> Tensor:
            embedded, total = self.model(normalize(images)), torch.zeros((), device=self.device)
            for first in (0, count):
                logits = logits_of(embedded, first)
                total = total + F.cross_entropy(logits, first + answers)
                total = total + FINDING_IMAGES * F.cross_entropy(logits[:, first : first + count].T, answers)
            return total / (2 + 2 * FINDING_IMAGES)

        def attacked(images: Tensor) -> Tensor:
            logits = logits_of(self.model(normalize(images)), count)
            return F.cross_entropy(logits, count + answers[: len(images)])

        return Lesson(loss, attacked)

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
    plan = replace(PLAN, images=args.images, seed=args.seed)
    course = ClipCourse(args.scenes, args.out, plan, torch.device(args.device), args.precision)
    if not course.seen:
        course.read()
    train(course)


if __name__ == "__main__":
    main()
