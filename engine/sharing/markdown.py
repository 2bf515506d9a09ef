"""Notes as HTML that does no harm: Markdown without HTML and images, and with links of safe schemes only.

The package markdown-it-py does it (`requirements-notes.txt`); where it is not installed a note stands there as it was written.
"""

from __future__ import annotations

from functools import cache
from html import escape
from typing import Any

SCHEMES = ("http://", "https://", "mailto:")


def to_html(text: str) -> str:
    """A note as HTML."""
    if not text.strip():
        return ""
    renderer = _renderer()
    return f"<pre>{escape(text)}</pre>" if renderer is None else str(renderer.render(text))


@cache
def _renderer() -> Any:
    try:
        from markdown_it import MarkdownIt
    except ImportError:
        return None
    made = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")

    def safe(url: str) -> bool:
        return url.strip().lower().startswith(SCHEMES)

    def opened(self: Any, tokens: Any, index: int, options: Any, env: Any) -> str:
        tokens[index].attrSet("rel", "noopener noreferrer nofollow")
        return str(self.renderToken(tokens, index, options, env))

    made.validateLink = safe  # type: ignore[method-assign]
    made.add_render_rule("link_open", opened)
    return made
