"""`dpgate checkpoint`."""

from __future__ import annotations

from pathlib import Path

import click

from dpgate.cli.options import common, finish, key_option, load_key, root_option


@click.command("checkpoint", short_help="Sign the head that you saw, to keep elsewhere.")
@key_option("your own")
@root_option
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="File to write."
)
@common
def command(key_file: str, root: str | None, out: Path | None, repo: Path, style: str) -> None:
    """Verify the ledger of this clone and sign its head as a note (C2SP signed-note).

    Kept where the ledger's owners can't reach it, it later shows any rollback or second history:
    dpgate verify --checkpoint FILE.

    \b
    Examples
      dpgate checkpoint --key auditor.key --root sha256:5e1c… --out 2026-11.checkpoint
      dpgate verify --root sha256:5e1c… --checkpoint 2026-11.checkpoint --checkpoint-key auditor.key.pub
    """
    from dpgate.gate.checkpoint import checkpoint

    finish(checkpoint(key=load_key(key_file), repo=repo, root=root, out=out), style)
