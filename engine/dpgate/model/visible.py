"""Text of documents as one line that every reader sees as it is: nothing invisible, nothing reversed."""

from __future__ import annotations

import unicodedata

CLIP = 600


def flat(text: str, most: int = CLIP) -> str:
    """Text as one line of visible characters; text from right to left stays within itself."""
    shown: list[str] = []
    marks = 0
    whole = " ".join(text.split())
    for character in whole[:most]:
        kind = unicodedata.category(character)
        marks = marks + 1 if kind[0] == "M" else 0
        if kind[0] in "CZ" and character != " ":
            shown.append("\ufffd")
        elif marks <= 2:  # more of them would paint over the lines around
            shown.append(character)
    line = "".join(shown)
    if len(whole) > most:
        line = f"{line[: most - 1]}…"
    if any(unicodedata.bidirectional(character) in ("R", "AL", "AN") for character in line):
        return f"\u2068{line}\u2069"
    return line
