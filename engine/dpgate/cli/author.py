"""`dpgate author`."""

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


@click.command("author", short_help="Sign as the author of a manifest, whom others approve.")
@release_argument
@click.option(
    "--role",
    required=True,
    shell_complete=complete_role,
    help="The author's role; the key must be one of its keys.",
)
@key_option("the author")
@offline_option
@common
def command(
    release: str,
    role: str,
    key_file: str,
    offline: bool,  # noqa: FBT001 - click's flag
    repo: Path,
    style: str,
) -> None:
    """Sign as the author of RELEASE (dataset/release).

    No approval of these bytes by the same key counts. Policies with `separation` demand such a
    signature. Change the manifest and it is signed anew. Commit the file it writes.

    \b
    Examples
      dpgate author rand-health/2026q4-vendor-testing --role engineering --key ~/.ssh/engineering
    """
    from dpgate.gate.author import author

    finish(
        author(release, role=role, key=load_key(key_file), repo=repo, offline=offline),
        style,
    )
