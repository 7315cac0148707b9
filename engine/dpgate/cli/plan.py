"""`dpgate plan`."""

from __future__ import annotations

from pathlib import Path

import click

from dpgate.cli.options import (
    changed_option,
    complete_release,
    finish,
    offline_option,
    reported,
)


@click.command("plan", short_help="Budgets before and after a release, and approvals it needs.")
@click.argument("releases", nargs=-1, metavar="[RELEASE…]", shell_complete=complete_release)
@click.option("--all", "every", is_flag=True, help="Plan every manifest.")
@changed_option
@offline_option
@click.option(
    "--resume",
    is_flag=True,
    help="Plan what is left of a training that ended early, by its last checkpoint on this machine.",
)
@reported("plan", "plans")
def command(
    releases: tuple[str, ...],
    every: bool,  # noqa: FBT001 - click's flag
    changed: str | None,
    offline: bool,  # noqa: FBT001 - click's flag
    resume: bool,  # noqa: FBT001 - click's flag
    repo: Path,
    style: str,
) -> None:
    """Show what each RELEASE (dataset/release) would cost and still needs; no data is touched.

    Judged under the last adopted policy, on the ledger of the remote. Exits 0 if every release may
    run now (or has run), 1 if anything is missing. Of several the report also shows the budgets if
    all of them were released.

    \b
    Examples
      dpgate plan rand-health/2026q4-vendor-testing
      dpgate plan rand-health/2026q4-vendor-testing --offline --format json
      dpgate plan --changed origin/main --output markdown=plan.md --output sarif=plan.sarif
    """
    if bool(releases) + every + (changed is not None) != 1:
        raise click.UsageError("give one of: RELEASE…, --all, --changed REF")
    if resume and len(releases) != 1:
        raise click.UsageError("--resume goes with one RELEASE")
    if len(releases) == 1:
        from dpgate.gate.plan import plan

        one = plan(releases[0], repo, offline=offline, resume=resume)
        finish(one, style, one.exit_code)
    from dpgate.gate.plans import plans

    several = plans(releases, repo, changed=changed, offline=offline)
    finish(several, style, several.exit_code)
