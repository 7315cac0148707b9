"""Findings: what a check has to say about a document. A denial is a value."""

from __future__ import annotations

from typing import Literal

from dpgate.model.values import Frozen


class Finding(Frozen):
    """One thing a rule found.

    `deny` blocks the release, `warn` does not.
    """

    rule: str
    """Stable id of the rule."""
    level: Literal["deny", "warn"]
    message: str
    fix: str
    file: str = ""
    line: int = 0
    column: int = 0

    @property
    def place(self) -> str:
        """``file:line:column``, as far as it is known."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file
