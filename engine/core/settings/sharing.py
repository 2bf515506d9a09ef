"""The table `[sharing]`: how findings are handed on, and who is told when something is done."""

from __future__ import annotations

from typing import ClassVar

from pydantic import ByteSize, Field

from engine.core.settings.table import SIZE, WHOLE, Table

_URL = r"^https?://[^\s/@]+(/\S*)?$"


class Sharing(Table):
    """How findings are handed on, and who is told when something is done."""

    WRITE: ClassVar[dict[str, str]] = {
        "kept_bytes": SIZE,
        "history_days": WHOLE,
        "token_days": WHOLE,
        "address": 'the address that people open, like "https://vitrine.example.org"',
        "webhook": 'an address, like "https://chat.example.org/hook"',
        "webhook_secret": "text, in quotation marks",
        "notify_after_seconds": "a number of seconds, 0 or more",
        "mail_server": 'a host, with its port if it is not 25, like "mail.example.org:587"',
        "mail_from": 'an e-mail address, like "vitrine@example.org"',
        "mail_user": "text, in quotation marks",
        "mail_password": "text, in quotation marks",
    }

    kept_bytes: ByteSize = Field(
        default=ByteSize(1 << 30), ge=ByteSize(1 << 20), description="of results in the collections of one person"
    )
    history_days: int = Field(default=365, ge=1)
    token_days: int = Field(default=90, ge=1, le=3650)
    address: str = Field(default="", pattern=f"{_URL}|^$")
    webhook: str = Field(default="", pattern=f"{_URL}|^$")
    webhook_secret: str = Field(default="", repr=False)
    notify_after_seconds: float = Field(default=60.0, ge=0, allow_inf_nan=False)
    mail_server: str = Field(default="", pattern=r"^([A-Za-z0-9.-]+(:\d{1,5})?)?$")
    mail_from: str = Field(default="", pattern=r"^([^\s@<>]+@[^\s@<>]+)?$")
    mail_user: str = ""
    mail_password: str = Field(default="", repr=False)
