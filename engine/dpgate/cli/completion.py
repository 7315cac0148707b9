"""`dpgate completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command("completion", short_help="Print a shell completion script.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script of SHELL.

    \b
    Examples
      eval "$(dpgate completion bash)"
      dpgate completion fish > ~/.config/fish/completions/dpgate.fish
    """
    from dpgate.cli.main import cli

    kind = get_completion_class(shell)
    if kind is None:  # pragma: no cover - click knows all three
        raise click.UsageError(f"no completion for {shell}")
    click.echo(kind(cli, {}, "dpgate", "_DPGATE_COMPLETE").source())
