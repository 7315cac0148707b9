"""`dpgate approve`."""

from __future__ import annotations

from pathlib import Path

import click

from dpgate.cli.options import (
    common,
    complete_role,
    finish,
    key_option,
    load_key,
    offline_option,
    release_argument,
)


@click.command("approve", short_help="Sign one role's consent to a release, or to the policy.")
@release_argument
@click.option(
    "--role",
    required=True,
    shell_complete=complete_role,
    help="Role that approves; the key must be one of its keys.",
)
@key_option("the approver")
@click.option("--days", default=28, show_default=True, help="Days from today that it counts.")
@click.option(
    "--attempts", default=1, show_default=True, help="Attempts it pays for; each is charged."
)
@offline_option
@common
def command(
    release: str,
    role: str,
    key_file: str,
    days: int,
    attempts: int,
    offline: bool,  # noqa: FBT001 - click's flag
    repo: Path,
    style: str,
) -> None:
    """Approve RELEASE (dataset/release), or `policy` for the work tree's policy.

    The approval binds the exact bytes of manifest, dataset and policy, the maximum cost, an
    expiry and a number of attempts. Change one byte of what it binds and it no longer counts.
    Commit the file it writes.

    \b
    Examples
      dpgate approve rand-health/2026q4-vendor-testing --role privacy --key ~/.ssh/privacy
      dpgate approve policy --role legal --key ~/.ssh/legal
    """
    from dpgate.gate.approve import approve

    key = load_key(key_file)
    finish(
        approve(
            release, role=role, key=key, repo=repo, days=days, attempts=attempts, offline=offline
        ),
        style,
    )
