"""`dpgate compare`."""

from __future__ import annotations

from pathlib import Path

import click

from dpgate.cli.options import finish
from dpgate.cli.outputs import Output, Outputs, format_option, output_option


def _page(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """``--html FILE`` is ``--output html=FILE``."""
    if value is not None:
        _, path = Output("compare").convert(f"html={value}", param, ctx)
        files = ctx.ensure_object(Outputs).files
        if path is None or path in files:
            raise click.BadParameter("expected a file that no other report goes to", ctx, param)
        files[path] = "html"
    return value


@click.command("compare", short_help="Put several releases or rehearsals side by side.")
@click.argument("reports", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--html",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    is_eager=True,
    expose_value=False,
    callback=_page,
    help="Write a page too: one file that needs no network. The same as --output html=FILE.",
)
@format_option("compare")
@output_option("compare")
def command(reports: tuple[Path, ...], style: str) -> None:
    """Put REPORTS side by side: ε, δ, rows, and every result with its interval.

    Each is an evidence.json, as written beside a release's files or by a rehearsal, or a folder that
    holds one. The best value of a row is marked, and those that its interval cannot tell from it. What
    keeps numbers from being compared (other columns, another dataset, a rehearsal beside a release) is
    said, and nothing is marked then. No data is read, no repository is needed.

    \b
    Examples
      dpgate compare ./q3 ./q4
      dpgate compare mst/evidence.json aim/evidence.json --html comparison.html
      dpgate compare ./a ./b ./c --format markdown
    """
    from dpgate.gate.compare import compare

    finish(compare(reports), style)
