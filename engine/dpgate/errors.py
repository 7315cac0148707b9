"""Every error dpgate raises, on one page.

A *denial* is not an error: it is a value (see ``dpgate.model.finding``). An error
means that dpgate could not do what it was asked. Messages never hold a private
value: on the privacy path they are built from public documents alone.

Exit codes: 0 allowed, 1 denied, 2 invalid input or usage, 3 integrity failure,
4 could not decide. Every nonzero one blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong at one place of one document.

    Attributes:
        file: path as the user would type it, or "" where there is no file.
        line: 1-based line, 0 where unknown.
        column: 1-based column, 0 where unknown.
        end_line: last line of what is wrong, 0 where unknown.
        end_column: 1-based column after its last character, 0 where unknown.
        message: what was found and what was expected.
        fix: what to do about it.
    """

    file: str = ""
    line: int = 0
    column: int = 0
    end_line: int = 0
    end_column: int = 0
    message: str
    fix: str = ""

    @property
    def place(self) -> str:
        """``file:line:column``, as far as it is known."""
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}:{self.column}"

    def __str__(self) -> str:
        head = f"{self.place}: " if self.place else ""
        return f"{head}{self.message}" + (f"\n  fix: {self.fix}" if self.fix else "")


class DpgateError(Exception):
    """Base of all errors: a message, what to do, and an exit code."""

    exit_code: ClassVar[int] = 2

    def __init__(self, message: str, *, fix: str = "", problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix
        self.problems = problems


class UsageError(DpgateError):
    """The command or call cannot mean anything as given."""


class DocumentError(DpgateError):
    """One or more documents are malformed; ``problems`` lists every one found."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        count = len(problems)
        super().__init__(f"{count} problem{'s' * (count != 1)} in the documents", problems=problems)


class PolicyError(DpgateError):
    """The policy itself is malformed or contradicts itself (not: violated)."""


class AccountingError(DpgateError):
    """A privacy loss cannot be computed, or the recorded one is too low."""


class InsufficientBudgetError(AccountingError):
    """A mechanism asked for more than was reserved for it."""

    exit_code: ClassVar[int] = 1

    def __init__(self, *, what: str, remaining: Decimal | int, requested: Decimal | int) -> None:
        super().__init__(f"{what}: {requested} requested, {remaining} remaining")
        self.remaining = remaining
        self.requested = requested


class SourceError(DpgateError):
    """The private source cannot be used. Never holds a value of the data."""


class SynthesisError(DpgateError):
    """A synthesizer is unknown, refused, or failed."""


class StatisticsError(DpgateError):
    """A query cannot be answered as it stands."""


class MissingExtraError(SynthesisError):
    """An optional dependency is absent; ``extra`` names the pip extra that brings it."""

    def __init__(self, *, extra: str, what: str) -> None:
        super().__init__(
            f"{what} needs packages that are not installed", fix=f"pip install 'dpgate[{extra}]'"
        )
        self.extra = extra


class EvidenceError(DpgateError):
    """A result of evidence is unclassed, uncharged or cannot be sealed."""


class KeyFileError(DpgateError):
    """A key cannot be read or used, or is not an Ed25519 key."""


class LockedKeyError(KeyFileError):
    """A key needs a passphrase, and none was given."""


class RepositoryError(DpgateError):
    """The Git repository is not in a state in which the command may run."""


class GitError(RepositoryError):
    """A Git command failed; ``stderr`` is what it said."""

    def __init__(self, command: str, stderr: str) -> None:
        lines = [line.strip() for line in stderr.splitlines() if line.strip()]
        told = [line for line in lines if line.startswith(("fatal:", "error:"))] or lines
        super().__init__(
            f"git {command}: {(told or ['no reason given'])[0][:200]}",
            fix="mend the clone, or make a new one",
        )
        self.stderr = stderr


class LedgerError(DpgateError):
    """The ledger cannot be trusted as it stands."""

    exit_code: ClassVar[int] = 3


class SignatureError(LedgerError):
    """A signature is missing, invalid, or by a key that holds no such role."""


class ChainError(LedgerError):
    """The chain has a gap, a fork, an edit, or does not extend what was seen before."""


class ConflictError(LedgerError):
    """Somebody else wrote to the ledger first (a lost compare-and-swap)."""

    exit_code: ClassVar[int] = 4


class RemoteError(LedgerError):
    """The remote cannot be reached or refused the push: nothing was decided."""

    exit_code: ClassVar[int] = 4


class UndecidedError(DpgateError):
    """Something needed for a decision is missing (a root, a ledger): exit 4."""

    exit_code: ClassVar[int] = 4


class HostingError(DpgateError):
    """GitHub refused a request, or could not be reached.

    Attributes:
        status: HTTP status, 0 where there was no answer.
        passing: whether the same request may succeed later.
        after: seconds that the server asks to wait, if it does.
    """

    exit_code: ClassVar[int] = 4

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        fix: str = "",
        passing: bool = False,
        after: float | None = None,
    ) -> None:
        super().__init__(message, fix=fix)
        self.status = status
        self.passing = passing
        self.after = after
