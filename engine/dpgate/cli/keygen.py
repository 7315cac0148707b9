"""`dpgate keygen`."""

from __future__ import annotations

from pathlib import Path

import click

from dpgate.cli.options import finish
from dpgate.cli.outputs import format_option


@click.command("keygen", short_help="Make an Ed25519 key pair, or an age identity for stewards.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--comment", default="", help="Who the key belongs to; ends the public line.")
@click.option(
    "--age", is_flag=True, help="An age identity instead: restricted evidence is encrypted to it."
)
@format_option()
def command(file: Path, comment: str, age: bool, style: str) -> None:  # noqa: FBT001 - click's flag
    """Write FILE (readable by you alone) and FILE.pub; never overwrites.

    \b
    Examples
      dpgate keygen privacy.key --comment privacy@example.org
      dpgate keygen steward.age --age
    """
    from dpgate.gate.keygen import keygen

    finish(keygen(file, comment=comment, age=age), style)
