"""`dpgate init`."""

from __future__ import annotations

from pathlib import Path

import click

from dpgate.cli.options import finish
from dpgate.cli.outputs import format_option


@click.command(
    "init", short_help="Start a release repository: policy, example, signers, workflows."
)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--keys",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Folder with privacy.pub, legal.pub, runner.pub; missing ones are made. [default: FOLDER-keys]",
)
@format_option()
def command(folder: Path, keys: Path | None, style: str) -> None:
    """Write a policy, an example dataset and manifest, allowed signers and workflows to FOLDER.

    \b
    Examples
      dpgate init my-releases
      dpgate init my-releases --keys ~/dpgate-keys
    """
    from dpgate.gate.init import init

    finish(init(folder, keys=keys), style)
