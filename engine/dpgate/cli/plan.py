"""`dpgate plan`."""

from __future__ import annotations

from pathlib import Path

import click

from dpgate.cli.options import common, finish, offline_option, release_argument


@click.command("plan", short_help="Budgets before and after a release, and approvals it needs.")
@release_argument
@offline_option
@common
def command(release: str, offline: bool, repo: Path, style: str) -> None:  # noqa: FBT001 - click's flag
    """Show what RELEASE (dataset/release) would cost and still needs; no data is touched.

    Judged under the last adopted policy, on the ledger of the remote. Exits 0 if the release may
    run now (or has run), 1 if anything is missing.

    \b
    Examples
      dpgate plan rand-health/2026q4-vendor-testing
      dpgate plan rand-health/2026q4-vendor-testing --offline --format json
    """
    from dpgate.gate.plan import plan

    result = plan(release, repo, offline=offline)
    finish(result, style, 0 if result.verdict in ("ready", "released") else 1)
