"""`mock`: invented rows of a dataset's shape, from its document alone."""

from __future__ import annotations

from pathlib import Path

from dpgate.errors import MissingExtraError, UndecidedError, UsageError
from dpgate.gate.results import FilesResult
from dpgate.gate.workspace import Workspace, workspace
from dpgate.model.dataset import Dataset
from dpgate.model.joined import PERSONS
from dpgate.model.values import counted

KINDS = (".parquet", ".csv")
MOST = 10**9
"""Rows that are written at most."""


def mock(
    dataset: str, out: Path | str, repo: Path | str = ".", *, rows: int, seed: int | None = None
) -> FilesResult:
    """Write invented rows that satisfy a Dataset document.

    Args:
        dataset: name of a dataset of the repository.
        out: a file that does not exist, ending in .parquet or .csv; where the dataset has two
            tables a folder, for a Parquet file of each.
        repo: a release repository, or a folder in it.
        rows: how many; of persons, where there are two tables. At most the dataset's public bound.
        seed: other rows for another number ≥ 0; the dataset's own if None.

    Returns:
        Where the rows are.

    Raises:
        UsageError: there is no such dataset, too many rows, or a place that cannot be used.
        SynthesisError: the dataset has no column that rows could be invented of.
        MissingExtraError: the extra `synth` is not installed.

    Privacy:
        Reads the Dataset document alone. The same arguments give the same rows.
    """
    space = workspace(Path(repo))
    described = dataset_of(space, dataset)
    bound = described.spec.rows.at_most
    if not 1 <= rows <= min(bound, MOST):
        raise UsageError(
            f"rows is a number from 1 to {min(bound, MOST)}, not {rows}",
            fix="more would break the bound that the dataset states, rows.at_most",
        )
    path = Path(out)
    _require_place(path, two=described.spec.joined is not None)
    written = write_mock(described, path, rows, seed)
    name = described.metadata.name
    return FilesResult(
        title=f"{_words(written)} of {name}, invented, in {path}",
        lines=(
            "made up from the Dataset document alone: they resemble nobody, and say nothing of the data",
            "types, domains, constraints and identifiers are the document's; dependence of columns is not",
        ),
        next=f"try a release on them, at no cost: dpgate rehearse {name}/RELEASE",
    )


def dataset_of(space: Workspace, name: str) -> Dataset:
    """A dataset by its name, or by the path of its document.

    Raises:
        UsageError: there is none.
    """
    name = name.strip("/").removeprefix("releases/").removesuffix("/dataset.yaml")
    loaded = space.documents.datasets.get(name)
    if loaded is None or not isinstance(loaded.document, Dataset):
        known = ", ".join(space.documents.datasets) or "none"
        raise UsageError(f"no dataset releases/{name}/dataset.yaml", fix=f"known: {known}")
    return loaded.document


def write_mock(dataset: Dataset, path: Path, rows: int, seed: int | None = None) -> dict[str, int]:
    """Write invented rows where a source can be read: one file, or a folder with two.

    Returns:
        Rows of each table.

    Raises:
        UndecidedError: a file cannot be written. Nothing is left behind.
    """
    try:
        from dpgate.synthesis.mock.rows import Mock, seed_of
        from dpgate.synthesis.mock.write import write
    except ImportError:
        raise MissingExtraError(extra="synth", what="inventing rows") from None
    name = dataset.metadata.name
    made = Mock(dataset=dataset, rows=rows, seed=seed_of(name) if seed is None else seed)
    joined, new = dataset.spec.joined, not path.exists()
    try:
        if joined is None:
            return write(made, {"data": path})
        path.mkdir(exist_ok=True)
        return write(made, {n: path / f"{n}.parquet" for n in (PERSONS, joined.table)})
    except BaseException as error:
        if joined is not None and new and path.is_dir():
            path.rmdir()
        if isinstance(error, OSError):
            raise UndecidedError(f"cannot write {path}: {error.strerror}") from None
        raise


def _require_place(path: Path, *, two: bool) -> None:
    if two and (path.suffix in KINDS or path.exists()):
        raise UsageError(
            f"the dataset has two tables, and {path} is no new folder",
            fix="give --out a folder that does not exist yet; each table becomes a Parquet file in it",
        )
    if not two and path.suffix not in KINDS:
        raise UsageError(f"unknown kind of file {path.suffix!r}", fix="end it in .parquet or .csv")
    if path.exists():
        raise UsageError(f"{path} exists already", fix="choose another file name")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"no such folder: {path.absolute().parent}", fix="make it first")


def _words(written: dict[str, int]) -> str:
    if set(written) == {"data"}:
        return counted(written["data"], "row")
    return " and ".join(f"{count} {name}" for name, count in written.items())
