"""Writing synthetic rows to files, the same bytes every time.

A file holds the rows, and (Parquet) seven facts about the release. No times, no paths, no host,
nothing measured: what is not in `STAMP` cannot be written. CSV is UTF-8 with a header, LF line
ends, text in double quotes; a missing value is an empty field, an empty text is `""`.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from dpgate.errors import MissingExtraError, SynthesisError

if TYPE_CHECKING:
    import pyarrow as pa

STAMP = ("release", "manifest", "epsilon", "delta", "relation", "unit", "synthesizer")
"""Facts that a Parquet file carries in its schema metadata, as `dpgate.epsilon` and so on."""
_ROWS_PER_GROUP = 2**17


@dataclass(frozen=True, kw_only=True)
class Written:
    """A file that was written.

    Attributes:
        name: file name, without directory.
        sha256: ``sha256:`` and 64 hexadecimal digits.
        bytes: size; follows from public rows alone.
    """

    name: str
    sha256: str
    bytes: int


def write(
    table: pa.Table, directory: Path, formats: Sequence[str], stamp: Mapping[str, str]
) -> list[Written]:
    """Writes `data.parquet` and `data.csv` into a directory that exists.

    Args:
        table: the synthetic rows.
        directory: private staging directory; files of these names must not be there.
        formats: `parquet`, `csv`, or both.
        stamp: exactly the facts named in `STAMP`.

    Returns:
        One entry per format, in the order asked.

    Raises:
        SynthesisError: an unknown format, a stamp with other facts, or a file that cannot be
            written (disk full, no permission, already there). Nothing is left behind.

    Privacy:
        Reads synthetic rows alone.
    """
    writers = _writers(table, formats, stamp)
    done: list[Path] = []
    try:
        for kind, writer in writers.items():
            path = directory / f"data.{kind}"
            _place(path, writer)
            done.append(path)
        return [_described(path) for path in done]
    except BaseException as error:
        for path in done:
            path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _refusal(error, directory) from None
        raise


def write_text(directory: Path, name: str, content: bytes) -> Written:
    """Writes one more file of the release, a data card, under the same rules as `write`.

    Raises:
        SynthesisError: it cannot be written. Nothing is left behind.
    """
    path = directory / name
    try:
        _place(path, lambda handle: handle.write(content))
        return _described(path)
    except OSError as error:
        raise _refusal(error, directory) from None


def _writers(
    table: pa.Table, formats: Sequence[str], stamp: Mapping[str, str]
) -> dict[str, Callable[[IO[bytes]], object]]:
    known = {"parquet": _parquet, "csv": _csv}
    unknown = sorted(set(formats) - set(known))
    if unknown or not formats:
        raise SynthesisError(f"no such output format: {', '.join(unknown) or 'none was given'}")
    if set(stamp) != set(STAMP):
        wrong = ", ".join(sorted(set(stamp) ^ set(STAMP)))
        raise SynthesisError(f"a stamp is {', '.join(STAMP)}; missing or too much: {wrong}")
    try:
        import pyarrow as pa
    except ImportError:
        raise MissingExtraError(extra="synth", what="writing release files") from None
    # A fresh schema: metadata of the table or its fields could hold anything.
    bare = pa.schema([pa.field(f.name, f.type, f.nullable) for f in table.schema])
    facts = {f"dpgate.{key}": stamp[key] for key in STAMP}
    stamped = pa.table(table.columns, schema=bare.with_metadata(facts))
    return {kind: _bound(known[kind], stamped) for kind in formats}


def _bound(
    writer: Callable[[pa.Table, IO[bytes]], None], table: pa.Table
) -> Callable[[IO[bytes]], object]:
    return lambda handle: writer(table, handle)


def _parquet(table: pa.Table, handle: IO[bytes]) -> None:
    from pyarrow import parquet

    parquet.write_table(
        table, handle, version="2.6", compression="zstd", compression_level=3,
        row_group_size=_ROWS_PER_GROUP, use_dictionary=True, write_statistics=True,
    )  # fmt: skip


def _csv(table: pa.Table, handle: IO[bytes]) -> None:
    from pyarrow import csv

    csv.write_csv(table, handle, csv.WriteOptions(include_header=True, quoting_style="needed"))


def _place(path: Path, writer: Callable[[IO[bytes]], object]) -> None:
    """Writes to a part file and renames it, so that a whole file is there or none."""
    if path.exists():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
    part = path.with_name(f".{path.name}.part")
    handle = part.open("xb")  # outside `try`: a part of another run must not be removed below
    try:
        with handle:
            writer(handle)
            handle.flush()
            os.fsync(handle.fileno())
        part.rename(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _described(path: Path) -> Written:
    with path.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    return Written(name=path.name, sha256=f"sha256:{digest}", bytes=path.stat().st_size)


def _refusal(error: OSError, directory: Path) -> SynthesisError:
    full = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    if error.errno in full:
        fix = "free space there, or stage elsewhere; the next attempt is charged anew"
        return SynthesisError(f"no space left to write the release in {directory}", fix=fix)
    fixes = {
        errno.EACCES: "let the user who runs dpgate write there",
        errno.EPERM: "let the user who runs dpgate write there",
        errno.EROFS: "stage on a file system that can be written",
        errno.ENOENT: "create the directory first",
        errno.EEXIST: "stage each attempt in a directory of its own",
    }
    reason = os.strerror(error.errno) if error.errno else "input/output error"
    return SynthesisError(
        f"the release cannot be written in {directory}: {reason}",
        fix=fixes.get(error.errno or 0, ""),
    )
