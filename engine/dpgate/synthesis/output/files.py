"""Writing synthetic rows to files, the same bytes every time.

A file holds the rows, their schema, and eight facts about the release: where its format has no
place for these, a file beside it does. No times, no paths, no host, nothing measured: what is not
in `STAMP` cannot be written.
"""

from __future__ import annotations

import errno
import hashlib
import importlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

from dpgate.errors import MissingExtraError, SynthesisError

if TYPE_CHECKING:
    import pyarrow as pa

    from dpgate.synthesis.output.interface import Format

STAMP = ("release", "record", "manifest", "epsilon", "delta", "relation", "unit", "synthesizer")
"""Facts that every file carries, as `dpgate.epsilon` and so on. `record` is the digest of the
ledger entry that reserved the release's cost: the settlement cannot be named, since it holds the
digests of these files."""

_FORMATS = {
    "parquet": "parquet:Parquet",
    "csv": "csv:Csv",
    "jsonl": "jsonl:Jsonl",
    "avro": "avro:Avro",
    "arrow": "arrow:Arrow",
    "sql": "sql:Sql",
}


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


def formats_of(names: Sequence[str]) -> list[Format]:
    """The formats by name; loads what they need, so that a lack of it is noticed early.

    Raises:
        SynthesisError: there is no such format, or none was given.
        MissingExtraError: pyarrow or fastavro is not installed.
    """
    unknown = sorted(set(names) - set(_FORMATS))
    if unknown or not names:
        raise SynthesisError(f"no such output format: {', '.join(unknown) or 'none was given'}")
    found: list[Format] = []
    for name in dict.fromkeys(names):
        module, _, member = _FORMATS[name].partition(":")
        try:
            found.append(getattr(importlib.import_module(f"{__package__}.{module}"), member)())
        except ImportError:
            raise MissingExtraError(extra="synth", what="writing release files") from None
    return found


def write(
    table: pa.Table,
    directory: Path,
    formats: Sequence[str],
    stamp: Mapping[str, str],
    *,
    name: str = "data",
) -> list[Written]:
    """Writes `data.parquet`, `data.csv` and so on into a directory that exists.

    Args:
        table: the synthetic rows; it may be mapped from a file, and is read piece by piece.
        directory: private staging directory; files of these names must not be there.
        formats: some of `parquet`, `csv`, `jsonl`, `avro`, `arrow`, `sql`.
        stamp: exactly the facts named in `STAMP`.
        name: of the table, and of its files without suffix.

    Returns:
        One entry per file, in the order asked; after `data.csv` and `data.jsonl` the one that
        describes them.

    Raises:
        SynthesisError: an unknown format, a stamp with other facts, or a file that cannot be
            written (disk full, no permission, already there). Nothing is left behind.

    Privacy:
        Reads synthetic rows alone.
    """
    done: list[Path] = []
    try:
        for file, writer in _writers(table, formats_of(formats), stamp, name).items():
            path = directory / file
            _place(path, writer)
            done.append(path)
        return [_described(path) for path in done]
    except BaseException as error:
        for path in done:
            path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise refusal(error, directory) from None
        raise


def write_text(directory: Path, name: str, content: bytes) -> Written:
    """Writes one more file of the release, a data card, under the same rules as `write`.

    Raises:
        SynthesisError: it cannot be written. Nothing is left behind.
    """
    path = directory / name
    try:
        _place(path, partial(_text, content))
        return _described(path)
    except OSError as error:
        raise refusal(error, directory) from None


def _writers(
    table: pa.Table, formats: Sequence[Format], stamp: Mapping[str, str], name: str
) -> dict[str, Callable[[IO[bytes]], object]]:
    """What writes each file, by name."""
    from dpgate.synthesis.output import sidecar
    from dpgate.synthesis.output.rows import Rows

    if set(stamp) != set(STAMP):
        wrong = ", ".join(sorted(set(stamp) ^ set(STAMP)))
        raise SynthesisError(f"a stamp is {', '.join(STAMP)}; missing or too much: {wrong}")
    rows = Rows.of(table, {key: stamp[key] for key in STAMP}, name)
    writers: dict[str, Callable[[IO[bytes]], object]] = {}
    for format_ in formats:
        writers[f"{name}.{format_.name}"] = partial(format_.write, rows)
        if format_.described:
            text = sidecar.described(rows, format_.name)
            writers[f"{name}.{format_.name}{sidecar.SUFFIX}"] = partial(_text, text)
    return writers


def _text(content: bytes, handle: IO[bytes]) -> None:
    handle.write(content)


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


def refusal(error: OSError, directory: Path) -> SynthesisError:
    """What to say when files cannot be written in a directory."""
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
