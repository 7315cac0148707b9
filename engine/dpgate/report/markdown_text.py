"""Text of documents in Markdown, as it stands: no markup, link, mention, image or table of its own.

Whoever writes a manifest decides what stands in a reviewer's comment. Character references keep any
character from being markup; they do not keep a host from linking what it recognizes afterwards
(`@team`, `#12`, an address, a commit), so such words are broken by a space of no width.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from urllib.parse import quote

from dpgate.model.visible import flat

_NO_WIDTH = "\u200b"

# All but letters, digits and punctuation that means nothing within a line; `_` within a word is such.
_MEANT = re.compile(r"[^\w ,.;:()/%'\"?=+-]|(?<![^\W_])_|_(?![^\W_])")

# What code hosts link, or turn into a picture, wherever it stands in text.
_LINKED = re.compile(
    r"(?<=[@#])(?=\w)"  # mentions and issues
    r"|(?<=[A-Za-z])(?=-\d)"  # GH-12, TICKET-12, CVE-2024-1
    r"|(?<=:)(?=//|[\w+-]+(?::|$))"  # addresses and emoji
    r"|(?<=www)(?=\.)"
    r"|(?<=mailto)(?=:)|(?<=xmpp)(?=:)",
    re.IGNORECASE,
)
_COMMIT_NAME = re.compile(r"[0-9a-f]{7,}", re.IGNORECASE)


def prose(text: str) -> str:
    """A sentence of a document, or with words of one, for anywhere within a line or a cell."""
    unlinked = _LINKED.sub(_NO_WIDTH, _COMMIT_NAME.sub(_in_pieces, flat(text)))
    return _MEANT.sub(_reference, unlinked)


def code(text: str) -> str:
    """A name, path or command, likewise; hosts link nothing in it."""
    return f"<code>{_MEANT.sub(_reference, flat(text))}</code>"


def _in_pieces(found: re.Match[str]) -> str:
    word = found[0]
    return _NO_WIDTH.join(word[start : start + 6] for start in range(0, len(word), 6))


def _reference(found: re.Match[str]) -> str:
    character = found[0]
    if character == "$":
        return "<span>&#36;</span>"  # a host would read a formula between two of them
    if character.isascii() or character == _NO_WIDTH:
        return f"&#{ord(character)};"
    return character


@dataclass(frozen=True)
class Links:
    """Where files can be read: on a code host if the environment of its job says which, else here."""

    base: str = ""

    @classmethod
    def here(cls) -> Links:
        """Of GitHub's and GitLab's jobs."""
        get = os.environ.get
        server, repository = get("GITHUB_SERVER_URL", ""), get("GITHUB_REPOSITORY", "")
        for base, commit in (
            (f"{server}/{repository}/blob/", get("GITHUB_SHA", "")),
            (f"{get('CI_PROJECT_URL', '')}/-/blob/", get("CI_COMMIT_SHA", "")),
        ):
            if _BASE.fullmatch(base) and _COMMIT.fullmatch(commit):
                return cls(f"{base}{commit}/")
        return cls()

    def to(self, file: str, line: int = 0, column: int = 0) -> str:
        """A link to a line of a file of the repository, its text `file:line:column`."""
        place = f"{file}:{line}:{column}" if line else file
        address = self.base + quote(file, errors="backslashreplace") + (f"#L{line}" if line else "")
        return f"[{code(place)}]({address})"


_BASE = re.compile(r"https?://[A-Za-z0-9.-]+(:\d+)?(/[A-Za-z0-9._-]+)+/")
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
