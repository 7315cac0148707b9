"""Reading a report of evidence that somebody handed over: whatever the file is, an error says what is wrong."""

from __future__ import annotations

import stat
from pathlib import Path

from pydantic import ValidationError

from dpgate.errors import UsageError
from dpgate.evidence.report import EvidenceReport
from dpgate.model.values import counted
from dpgate.model.visible import flat

NAME = "evidence.json"
MOST_BYTES = 16_000_000
_FIX = "give an evidence.json that dpgate wrote, or a folder that holds one"


def read(path: Path) -> EvidenceReport:
    """The report of a file, or of the file `evidence.json` in a folder.

    Raises:
        UsageError: it is none, too large, or cannot be read. The message holds none of its text.
    """
    place = flat(str(path), 200)
    try:
        return EvidenceReport.model_validate_json(_bytes(path, place))
    except ValidationError as error:
        raise UsageError(f"{place}: {_why(error)}", fix=_FIX) from None


def _bytes(path: Path, place: str) -> bytes:
    """What a regular file holds, and no more of it than a report can have."""
    try:
        file = path / NAME if path.is_dir() else path
        if not stat.S_ISREG(file.stat().st_mode):
            raise UsageError(f"{place}: no file", fix=_FIX)
        with file.open("rb") as handle:
            held = handle.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise UsageError(f"{place}: no such file, or none in it", fix=_FIX) from None
    except (OSError, ValueError) as error:
        told = getattr(error, "strerror", None) or "it cannot be opened"
        raise UsageError(f"{place}: {told}", fix=_FIX) from None
    if len(held) > MOST_BYTES:
        raise UsageError(f"{place}: larger than any report ({MOST_BYTES // 10**6} MB)", fix=_FIX)
    return held


def _why(error: ValidationError) -> str:
    """What is wrong, in words of ours."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(flat(str(part), 40) for part in first["loc"][:8])
    if first["type"] == "json_invalid":
        return "not JSON"
    if not where:
        return "JSON, but no report of evidence"
    schemas = [each for each in error.errors(include_input=False) if each["loc"] == ("schema",)]
    if schemas:
        return "of another schema than dpgate.evidence/v1"
    return f"no report of evidence ({counted(error.error_count(), 'fault')}, the first at {where})"
