"""`dpgate ci release`."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dpgate.cli.ci.job import Job
from dpgate.cli.options import key_option, load_key, root_option
from dpgate.cli.progress import stages

if TYPE_CHECKING:
    from dpgate.gate.ready import ReadyResult


@click.command("release", short_help="Release every manifest that is ready, one after the other.")
@click.option(
    "--source",
    "sources",
    multiple=True,
    metavar="[DATASET=]URI",
    help="Private data of a dataset; without a name, of the one dataset whose manifests are ready. "
    "May be repeated.  [env var: DPGATE_SOURCE, one a line]",
)
@key_option("a runner")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="DPGATE_OUT",
    show_envvar=True,
    metavar="DIR",
    help="Where the files go: DIR/dataset/release.  [default: a folder of $DPGATE_STATE]",
)
@click.option(
    "--record",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write what may be published there: a report, its JSON, and the card of each release.",
)
@root_option
@click.option(
    "--repo",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    metavar="DIR",
    help="Release repository.  [default: here]",
)
def command(
    sources: tuple[str, ...],
    key_file: str,
    out: Path | None,
    folder: Path | None,
    root: str | None,
    repo: Path,
) -> None:
    """Release every manifest of the work tree that is ready: approved, within its budgets, not released.

    Each is planned again on the head of the ledger when its turn comes; if others write to the ledger
    first, it waits and tries again. What an earlier run on this machine could not bring to its end is
    taken up. Exits 0 if every attempt ended with a release, also if nothing was ready.

    \b
    Examples
      dpgate ci release --source /data/visits.parquet --key runner.key --root sha256:…
      dpgate ci release --source visits=/data/v.parquet --source claims=/data/c.csv --key agent
    """
    job = Job()
    with job.quoted():
        from dpgate.gate.github.credentials import git_credentials
        from dpgate.gate.ready import release_ready
        from dpgate.gate.workspace import find_root

        given = sources or tuple(filter(None, os.environ.get("DPGATE_SOURCE", "").splitlines()))
        os.environ.update(git_credentials(job.environment, find_root(repo)))
        key = load_key(key_file)
        with stages() as progress:
            result = release_ready(
                sources=given, key=key, repo=repo, root=root, out=out, progress=progress
            )
        _write(result, job, folder)
    raise click.exceptions.Exit(result.exit_code)


def _write(result: ReadyResult, job: Job, folder: Path | None) -> None:
    from dpgate.report.interface import get
    from dpgate.report.ready import markdown, text

    sys.stdout.write(text(result))
    page = markdown(result)
    job.summarize(page)
    job.output(released="\n".join(result.released), exit_code=str(result.exit_code))
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.md").write_text(page, encoding="utf-8")
    with (folder / "report.json").open("w", encoding="utf-8") as file:
        get("json").result(result, file)
    for row in result.rows:
        if row.result is not None and row.result.folder:
            for card in sorted(Path(row.result.folder).glob("card.*")):
                (folder / row.release).mkdir(parents=True, exist_ok=True)
                shutil.copy(card, folder / row.release / card.name)
    job.output(record=str(folder.resolve()))
