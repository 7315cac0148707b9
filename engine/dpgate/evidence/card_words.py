"""Text of documents as plain words inside Markdown, and what every card says in the same words."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from typing import Any


def safe(text: object) -> str:
    """Text of a document as plain words inside Markdown, on one line."""
    words = str(text).lower() if isinstance(text, bool) else str(text)
    flat = " ".join(words.split())
    return re.sub(r"([\\`*_\[\]|#])", r"\\\1", html.escape(flat, quote=False))


def listed(values: object) -> str:
    """Several of them, with commas."""
    return ", ".join(safe(value) for value in values) if isinstance(values, list) else ""


def terms(content: Mapping[str, Any]) -> Iterator[str]:
    """For whom, why, and how long."""
    yield ""
    yield f"- purpose: {safe(content['purpose'])}"
    yield f"- recipients: {listed(content['recipients'])} ({listed(content['regions'])})"
    yield f"- terms: {listed(content['terms']) or 'none stated'}"
    yield f"- delete after: {content['retain_until']}"
    yield f"- owner: {safe(content['owner'])}; steward: {safe(content['steward'])}"
    for waiver in content.get("waivers", ()):
        told = f"waived for this release, ticket {safe(waiver['ticket'])}: {safe(waiver['reason'])}"
        yield f"- rule {safe(waiver['rule'])} would have stopped it; {told}"
