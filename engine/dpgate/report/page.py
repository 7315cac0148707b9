"""A page that takes so many characters and no more: what matters least is left out, and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from dpgate.model.values import counted

_ENDING = 400
"""Characters kept for the sentence about what was left out."""


@dataclass(frozen=True)
class _Piece:
    text: str
    rank: int
    what: str
    within: int | None


@dataclass
class Page:
    """Pieces of text, in their order, each with what it is and how much it matters."""

    most: int
    """Characters; those beyond the Basic Multilingual Plane count twice, as code hosts count."""
    pieces: list[_Piece] = field(default_factory=list)

    def add(self, text: str, rank: int, what: str, within: int | None = None) -> int:
        """Add a piece.

        Args:
            text: with its own line ends.
            rank: 0 matters most.
            what: what it is in the singular, for the count of what was left out.
            within: the piece without which it makes no sense, such as the head of a table.

        Returns:
            Its number, for `within`.
        """
        self.pieces.append(_Piece(text, rank, what, within))
        return len(self.pieces) - 1

    def table(self, head: str, rows: Iterable[str], rank: int, what: str) -> None:
        """Add a table: its head, then rows that stand or fall each for itself."""
        top = self.add(head, rank, "table")
        for row in rows:
            self.add(row, rank, what, top)

    def text(self) -> str:
        """The page; after it, what was left out."""
        if sum(map(_length, (piece.text for piece in self.pieces))) <= self.most:
            return "".join(piece.text for piece in self.pieces)
        kept: set[int] = set()
        left = self.most - _ENDING
        full: set[tuple[int | None, str]] = set()
        cut: Counter[str] = Counter()
        for number in sorted(range(len(self.pieces)), key=lambda n: self.pieces[n].rank):
            piece = self.pieces[number]
            fits = _length(piece.text) <= left
            orphan = piece.within is not None and piece.within not in kept
            if orphan or not fits or (piece.within, piece.what) in full:
                full.add((piece.within, piece.what))  # no holes: what follows is left out too
                cut[piece.what] += 1
            else:
                kept.add(number)
                left -= _length(piece.text)
        body = "".join(self.pieces[number].text for number in sorted(kept))
        return f"{body}\n{_told(cut)}\n"


def _told(cut: Counter[str]) -> str:
    words = ", ".join(counted(number, what) for what, number in cut.items())
    return f"**Left out to fit:** {words}. The report in text or JSON has all."


def _length(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
