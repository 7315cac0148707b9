"""`dpgate evidence`."""

from __future__ import annotations

from pathlib import Path

import click

from dpgate.cli.options import common, finish, offline_option, release_argument


@click.group("evidence", short_help="Open what was sealed to stewards.")
def command() -> None:
    """Evidence of releases: what only stewards may read."""


@command.command("open", short_help="Exact figures of an attempt, for a steward.")
@release_argument
@click.option(
    "--identity",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Your age identity (dpgate keygen --age), or an OpenSSH Ed25519 key without a passphrase.",
)
@click.option("--attempt", type=click.IntRange(1), help="Which attempt.  [default: the last one]")
@click.option(
    "--file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The sealed file, if it is not where this machine keeps it.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the whole document there too, readable by you alone.",
)
@offline_option
@common
def open_(
    release: str,
    identity: Path,
    attempt: int | None,
    file: Path | None,
    out: Path | None,
    offline: bool,  # noqa: FBT001 - click's flag
    repo: Path,
    style: str,
) -> None:
    """Show the exact figures of RELEASE that were sealed to you.

    They are computed on private data without noise: no ε covers them. The sealed file must be the one
    whose digest the ledger holds.

    \b
    Examples
      dpgate evidence open rand-health/2026q4-vendor-testing --identity steward.age
      dpgate evidence open rand-health/2026q4-vendor-testing --identity steward.age \\
        --attempt 1 --file ./evidence.json.age --out exact.json
    """
    from dpgate.gate.evidence_open import open_evidence

    result = open_evidence(
        release,
        identity=identity,
        repo=repo,
        attempt=attempt,
        file=file,
        out=out,
        offline=offline,
    )
    finish(result, style)
