"""`dpgate check`."""

from __future__ import annotations

from pathlib import Path

import click

from dpgate.cli.options import changed_option, finish, reported


@click.command("check", short_help="Hold manifests against the policy; no data, no network.")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH…]")
@changed_option
@reported("check")
def command(paths: tuple[Path, ...], changed: str | None, repo: Path, style: str) -> None:
    """Hold manifests against the rules of the work tree's policy.

    PATH is a document or a folder; all manifests are checked without one. No data, ledger or
    network is touched. Every problem of every document is listed at once. With --changed, a change
    of the ledger's own files or branch is denied too.

    \b
    Examples
      dpgate check
      dpgate check releases/rand-health/2026q4-vendor-testing
      dpgate check --changed origin/main
      dpgate check --format json
    """
    from dpgate.gate.check import check

    result = check(repo, paths, changed=changed)
    finish(result, style, result.exit_code)
