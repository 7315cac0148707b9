"""`dpgate check`."""

from __future__ import annotations

from pathlib import Path

import click

from dpgate.cli.options import common, finish


@click.command("check", short_help="Hold manifests against the policy; no data, no network.")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH…]")
@common
def command(paths: tuple[Path, ...], repo: Path, style: str) -> None:
    """Hold manifests against the rules of the work tree's policy.

    PATH is a document or a folder; all manifests are checked without one. No data, ledger or
    network is touched. Every problem of every document is listed at once.

    \b
    Examples
      dpgate check
      dpgate check releases/rand-health/2026q4-vendor-testing
      dpgate check --format json
    """
    from dpgate.gate.check import check

    result = check(repo, paths)
    finish(result, style, 0 if result.allowed else 1)
