"""The text side of a two-tower model: texts in, embeddings of length one out, beside those of its image tower.

Invariant: the numbers do not depend on the batch size beyond rounding.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from open_clip.tokenizer import DEFAULT_CONTEXT_LENGTH, HFTokenizer, SimpleTokenizer
from torch import Tensor

from engine.core.errors import BadRequest, Unavailable
from engine.models import guard, hub
from engine.models.loaded import LoadedModel, Tokenizer

BATCH = 256


def text_embedding(
    loaded: LoadedModel, texts: Sequence[str], report: Callable[[int], None] = lambda done: None
) -> np.ndarray:
    """Texts -> (n, D) float32 of length one, from the reader's text tower on its own device.

    `report` is told how many are done before each batch. Raises BadRequest for a model without a text tower.
    """
    tokenize = loaded.tokenizer  # which refuses a model without a text tower
    clip = _clip(loaded)
    parts: list[Tensor] = []
    for start in range(0, len(texts), BATCH):
        report(start)
        tokens = tokenize(list(texts[start : start + BATCH])).to(loaded.device)
        with torch.no_grad():
            parts.append(clip.encode_text(tokens).float().cpu())
    found = torch.cat(parts)
    return torch.nn.functional.normalize(found, dim=1).numpy()


def cut_short(loaded: LoadedModel, texts: Sequence[str]) -> dict[str, str]:
    """Of the texts that have more tokens than the text tower reads: how far each is read, text -> its beginning.

    Found by what the tokenizer gives, whichever it is: the shortest beginning with the same tokens as the whole.
    """
    tokenize = loaded.tokenizer
    if not texts:
        return {}
    padding = tokenize(["a"])[0, -1]
    kept: dict[str, str] = {}
    for start in range(0, len(texts), BATCH):
        some = list(dict.fromkeys(texts[start : start + BATCH]))
        full = (tokenize(some)[:, -1] != padding).nonzero().flatten().tolist()
        kept |= {some[place]: _kept(tokenize, some[place]) for place in full}
    return {text: beginning for text, beginning in kept.items() if beginning != text}


def says_cut(cut: Mapping[str, str]) -> list[str]:
    """What people are told of texts that were cut short, at most three of them one by one."""
    told = [
        f"The text is longer than this CLIP reads. Of “{text}” it read only “{kept}”." for text, kept in cut.items()
    ]
    return [*told[:3], *([f"So it is with {len(told) - 3} further texts."] if len(told) > 3 else [])]


def _kept(tokenize: Tokenizer, text: str) -> str:
    whole, fewest, most = tokenize([text]), 0, len(text)
    while fewest < most:
        middle = (fewest + most) // 2
        if torch.equal(tokenize([text[:middle]]), whole):
            most = middle
        else:
            fewest = middle + 1
    return text if len(text.rstrip()) <= most else text[:most]


def scale(loaded: LoadedModel) -> float:
    """What the reader multiplies cosines with before its softmax (100 in OpenAI's CLIPs)."""
    return float(_clip(loaded).logit_scale.exp())


def _clip(loaded: LoadedModel) -> Any:
    return loaded.clip


VOCABULARY = 49408
"""Tokens of open_clip's own tokenizer."""


def tokenizer_of(name: str, text: Mapping[str, Any]) -> Tokenizer:
    """The tokenizer that the text tower `text` (a `text_cfg` of open_clip) of the model `name` was trained with.

    Texts -> (texts, context length) int64. Raises Unavailable where it needs a package or files that are not here, and
    BadRequest where the tower has fewer tokens than the tokenizer.
    """
    context = text.get("context_length") or DEFAULT_CONTEXT_LENGTH
    switches = dict(text.get("tokenizer_kwargs") or {})
    if repository := text.get("hf_tokenizer_name"):
        mode = text.get("tokenizer_mode")
        return _of_the_hub(name, repository, context_length=context, tokenizer_mode=mode, **switches)
    if (size := text.get("vocab_size", VOCABULARY)) < VOCABULARY:
        raise BadRequest(f"The text tower of {name} knows {size} tokens, but open_clip's tokenizer has {VOCABULARY}.")
    try:
        return SimpleTokenizer(context_length=context, **switches)
    except (TypeError, AssertionError) as error:
        raise BadRequest(f"open_clip cannot create the tokenizer of {name}: {error}") from None


def _of_the_hub(name: str, repository: str, **settings: Any) -> Tokenizer:
    if importlib.util.find_spec("transformers") is None:
        raise Unavailable(f"{name} uses a tokenizer of the package transformers. Install it: pip install transformers.")

    def make(local: bool) -> Tokenizer:
        return HFTokenizer(repository, local_files_only=local, trust_remote_code=False, **settings)

    try:
        return make(local=True)
    except (OSError, ValueError):
        guard.check_download(name)
        if not hub.answers():
            raise Unavailable(
                f"The tokenizer of {name} is not on this machine and the hub cannot be reached: on a machine with a network "
                f"connection, run “hf download {repository}” and copy its cache folder over."
            ) from None
    try:
        return make(local=False)
    except (OSError, ValueError, ImportError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise Unavailable(f"The tokenizer of {name} could not be downloaded: {reason}") from None
