"""`dpgate verify`."""

from __future__ import annotations

from pathlib import Path

import click

from dpgate.cli.options import finish, reported, root_option


@click.command("verify", short_help="Re-derive every claim of the ledger, offline.")
@root_option
@click.option(
    "--artifacts",
    type=click.Path(path_type=Path, file_okay=False),
    multiple=True,
    metavar="DIR",
    help="Folder with released files, to hold against their recorded digests.",
)
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="FILE",
    help="A checkpoint kept elsewhere (dpgate checkpoint) that the ledger must extend.",
)
@click.option(
    "--checkpoint-key",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="FILE.pub",
    help="Public key that must have signed the checkpoint.",
)
@reported("verify")
def command(
    root: str | None,
    artifacts: tuple[Path, ...],
    checkpoint: Path | None,
    checkpoint_key: Path | None,
    repo: Path,
    style: str,
) -> None:
    """Verify the ledger that this clone holds, step by step.

    Needs the base install, a clone, and the genesis digest. Without --root, and on a machine that
    has not seen this ledger before, it ends with "self-consistent, not authenticated" and exit 4.
    docs/verification.md explains each step.

    \b
    Examples
      dpgate verify --root sha256:5e1c…
      dpgate verify --root sha256:5e1c… --artifacts ./vendor --format json
    """
    from dpgate.gate.verify import verify

    if len(artifacts) > 1:  # the last alone would count, and the others seem verified
        raise click.UsageError("--artifacts names one folder; verify each in a run of its own")
    result = verify(
        repo,
        root=root,
        artifacts=artifacts[0] if artifacts else None,
        checkpoint=checkpoint,
        checkpoint_key=checkpoint_key,
    )
    finish(result, style, result.exit_code)
