"""What stands in for private data in a rehearsal: invented rows, or some that somebody says are public."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from dpgate.errors import UsageError
from dpgate.gate.mock import write_mock
from dpgate.gate.product import Progress
from dpgate.gate.rehearsal import StandIn
from dpgate.gate.workspace import Case

ROWS = 20_000
"""Rows that are invented if no number is asked for, and the dataset's bound is not below it."""
WORKING = ".rehearsing"
"""Folder, in that of the results, for what does not stay."""
_LOCK = "lock"


def require(case: Case, stand_in: str | None, rows: int | None, *, public: bool) -> None:
    """Refuses what cannot be meant, and a stand-in that nobody vouches for: by default it may be private.

    Raises:
        UsageError: says which.
    """
    bound = case.dataset.spec.rows.at_most
    if stand_in is None and public:
        raise UsageError("stand_in_is_public vouches for a stand-in, and none is named")
    if stand_in is not None and rows is not None:
        raise UsageError("rows are a number of invented ones, and the stand-in has its own")
    if rows is not None and not 1 <= rows <= bound:
        raise UsageError(f"rows is a number from 1 to {bound}, the public bound, not {rows}")
    if stand_in is not None and not public:
        raise UsageError(
            "a rehearsal tells exact numbers of its stand-in, and nothing protects them; dpgate cannot know "
            "whether these rows are private",
            fix="if anybody may see every one of them, say --stand-in-is-public; of private data, never: "
            "leave --stand-in out, and rows are invented",
        )


def prepared(
    case: Case, folder: Path, given: str | None, rows: int | None, progress: Progress
) -> tuple[StandIn, str]:
    """What stands in, and where it is."""
    if given is None:
        progress("invent rows", 0.0)
        wanted = rows or min(ROWS, case.dataset.spec.rows.at_most)
        two = case.dataset.spec.joined is not None
        place = folder / ("stand-in" if two else "stand-in.parquet")
        many = write_mock(case.dataset, place, wanted)
        told = " and ".join(f"{n:,} {'rows' if t == 'data' else t}" for t, n in many.items())
        words = f"{told}, invented from the dataset's document alone"
        return StandIn(kind="mock", words=words, rows=wanted), str(place)
    progress("open the stand-in", 0.0)
    many_rows = _counted(case, given)
    words = f"{many_rows:,} rows that were said to be public"
    return StandIn(kind="public", words=words, rows=many_rows), given


def _counted(case: Case, uri: str) -> int:
    """Rows of the stand-in; of persons, where there are two tables."""
    from dpgate.gate.rehearsing import rows_of
    from dpgate.sources.open import open_source, open_tables

    columns, made = case.release.spec.columns, case.release.spec.synthesize
    if case.dataset.spec.joined is None:
        return rows_of(open_source(uri, case.dataset, columns))
    context = made.joined.context if made and made.joined else ()
    return rows_of(open_tables(uri, case.dataset, columns, context).persons)


@contextmanager
def working(folder: Path) -> Iterator[Path]:
    """A folder for what does not stay; nothing of it is left, whatever happens.

    One that a killed rehearsal left behind is removed.
    """
    existed = folder.exists()
    if existed and (not folder.is_dir() or any(p.name != WORKING for p in folder.iterdir())):
        raise UsageError(
            f"{folder} is not empty", fix="give --out a folder that does not exist yet"
        )
    made = folder / WORKING
    try:
        made.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make {folder}: {error.strerror}") from None
    with _alone(made):
        try:
            for left in made.iterdir():
                if left.name != _LOCK:
                    _remove(left)
            yield made
        finally:
            shutil.rmtree(made, ignore_errors=True)
            if not existed and not any(folder.iterdir()):
                folder.rmdir()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Holds a folder for this process; whoever is killed lets go of it."""
    try:
        with FileLock(folder / _LOCK, timeout=0):
            yield
    except Timeout:
        raise UsageError(
            f"another rehearsal is writing to {folder.parent}", fix="give --out another folder"
        ) from None


def _remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()
