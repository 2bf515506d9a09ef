"""The headers that tell a browser what a page of this server may do: load what the server itself gives, and nothing else."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path

import streamlit
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pages.routes.chosen import operating

_INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)


@cache
def policy(frame_ancestors: tuple[str, ...] = ()) -> str:
    """The content security policy: scripts are Streamlit's own files, the inline ones of its page, which are named by their
    digests, and `blob:`, which is how Streamlit hands on a component's script and which nothing but a script can make. Styles
    are set on elements by its components; pictures and charts come as `data:` and `blob:` too."""
    page = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    inline = " ".join(f"'sha256-{_digest(script)}'" for script in _INLINE.findall(page))
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' blob: 'wasm-unsafe-eval' {inline}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "media-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self' data: blob:",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            " ".join(("frame-ancestors 'self'", *frame_ancestors)),
        )
    )


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


class Headers:
    """Adds them to every answer, and to a page what is fetched ahead."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_them(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in security_headers().items():
                    headers.setdefault(name, value)
                if headers.get("content-type", "").startswith("text/html") and (charts := fetched_ahead()):
                    headers.append("Link", charts)
            await send(message)

        await self.app(scope, receive, send_with_them if scope["type"] == "http" else send)


@cache
def fetched_ahead() -> str:
    """A hint for the browser: what draws charts is Streamlit's largest file, and is best fetched while a first page is looked
    at. Empty where this Streamlit names it otherwise."""
    static = Path(streamlit.__file__).parent / "static"
    found = sorted(static.glob("static/js/PlotlyChart.*.js"))
    return f"<./{found[0].relative_to(static).as_posix()}>; rel=prefetch" if len(found) == 1 else ""


def security_headers() -> dict[str, str]:
    """The headers of every answer."""
    return {
        "Content-Security-Policy": policy(operating().frame_ancestors),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
