"""Findings: what a check has to say about a document. A denial is a value."""

from __future__ import annotations

from typing import Literal

from dpgate.model.rule import Enforcement
from dpgate.model.values import Frozen

Outcome = Literal["violated", "error", "waived"]


class Finding(Frozen):
    """One thing a rule found.

    `deny` blocks the release, `warn` does not. What a rule's enforcement, an error and a waiver make
    of each other is decided where findings are made, and written down in docs/findings.md.
    """

    rule: str
    """Stable id of the rule."""
    level: Literal["deny", "warn"]
    message: str
    fix: str
    file: str = ""
    line: int = 0
    column: int = 0
    end_line: int = 0
    """Where the key or value ends, 0 where unknown; the column is the first that is not part of it."""
    end_column: int = 0
    release: str = ""
    """Release that was judged; empty where it is about the documents as a whole."""
    enforcement: Enforcement = "hard"
    outcome: Outcome = "violated"
    """`error`: the rule could not be evaluated, which denies. `waived`: it would fail."""
    waiver: str = ""
    """Path of the waiver that is in force for it."""
    help: str = ""
    """Where to read on: a page or a person."""

    @property
    def place(self) -> str:
        """``file:line:column``, as far as it is known."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file
