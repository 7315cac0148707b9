"""What a format of release files is."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from dpgate.synthesis.output.rows import Rows


class Format(Protocol):
    """One kind of file. It is written from pieces of the rows, so memory is that of a piece."""

    @property
    def name(self) -> str:
        """As manifests name it, and the file's suffix."""

    @property
    def described(self) -> bool:
        """Whether a file beside it has to hold what this kind has no place for: schema and facts."""

    def write(self, rows: Rows, handle: IO[bytes]) -> None:
        """Writes all rows: the same bytes for the same rows and facts, every time.

        Args:
            rows: synthetic rows and facts.
            handle: open for writing bytes.

        Raises:
            SynthesisError: a column is of a type that the format cannot hold.
            OSError: it cannot be written.

        Privacy:
            Reads synthetic rows alone.
        """
