"""`dpgate release`."""

from __future__ import annotations

from pathlib import Path

import click

from dpgate.cli.options import (
    finish,
    key_option,
    load_key,
    release_argument,
    reported,
    root_option,
)
from dpgate.cli.progress import stages


@click.command("release", short_help="Charge the ledger, make the data, settle, promote.")
@release_argument
@click.option(
    "--source",
    required=True,
    type=click.Path(readable=False),
    envvar="DPGATE_SOURCE",
    show_envvar=True,
    metavar="URI",
    help="Private data: a Parquet or CSV file, a pattern, a folder, FILE.duckdb?table=NAME, or a "
    "postgresql:, spark:, snowflake: or bigquery: address (docs/sources.md).",
)
@key_option("a runner")
@root_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Where the files go; must not exist yet.  [default: a folder of $DPGATE_STATE]",
)
@click.option(
    "--resume",
    is_flag=True,
    help="Go on with a training that ended early, from its last checkpoint on this machine; what is "
    "left of it is charged anew (docs/training.md).",
)
@reported("release")
def command(
    release: str,
    source: str,
    key_file: str,
    root: str | None,
    out: Path | None,
    resume: bool,  # noqa: FBT001 - click's way of passing flags
    repo: Path,
    style: str,
) -> None:
    """Make RELEASE (dataset/release) through the gate.

    The cost is pushed to the ledger before the data is opened, and stays spent whatever happens
    then. Running it again after a crash says what was found; running it again after success
    spends nothing.

    \b
    Examples
      dpgate release rand-health/2026q4-vendor-testing --source /data/rand.parquet --key runner.key
      dpgate release rand-health/2026q4-vendor-testing --source rand.csv --key runner.key --out ./vendor
      dpgate release rand-health/2026q4-vendor-testing --source rand.csv --key runner.key --resume
    """
    from dpgate.gate.release import release as run

    key = load_key(key_file)
    with stages() as progress:
        result = run(
            release, source=source, key=key, repo=repo, root=root, out=out, resume=resume,
            progress=progress,
        )  # fmt: skip
    finish(result, style, result.exit_code)
