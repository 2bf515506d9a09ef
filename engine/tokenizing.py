"""Tokenizers of open_clip's text towers: from the package, or from the hub's local cache.

Invariant: nothing is fetched while the hub does not answer, and no tokenizer of the hub runs code of its own.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from typing import Any

from open_clip.tokenizer import DEFAULT_CONTEXT_LENGTH, HFTokenizer, SimpleTokenizer

from engine import hub
from engine.errors import BadRequest, Unavailable
from engine.models import Tokenizer

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
        raise BadRequest(f"open_clip cannot make the tokenizer of {name}: {error}") from None


def _of_the_hub(name: str, repository: str, **settings: Any) -> Tokenizer:
    if importlib.util.find_spec("transformers") is None:
        raise Unavailable(
            f"{name} reads text with a tokenizer of the package transformers. Install it: pip install transformers."
        )

    def make(local: bool) -> Tokenizer:
        return HFTokenizer(repository, local_files_only=local, trust_remote_code=False, **settings)

    try:
        return make(local=True)
    except (OSError, ValueError):
        if not hub.answers():
            raise Unavailable(
                f"The tokenizer of {name} is not on this machine and the hub cannot be reached: on a machine with "
                f"network run “hf download {repository}” and copy its cache folder over."
            ) from None
    try:
        return make(local=False)
    except (OSError, ValueError, ImportError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise Unavailable(f"The tokenizer of {name} could not be downloaded: {reason}") from None
