"""`dpgate sample`."""

from __future__ import annotations

from pathlib import Path

import click

from dpgate.cli.options import common, complete_release, finish, key_option, load_key, root_option
from dpgate.cli.progress import stages


@click.command("sample", short_help="Draw again from a kept model, at no cost.")
@click.argument("record", metavar="RECORD", shell_complete=complete_release)
@click.option("--rows", required=True, type=click.IntRange(1, 10**10), help="How many rows.")
@click.option(
    "--where",
    multiple=True,
    metavar="CONDITION",
    help="What every row satisfies: COLUMN=VALUE, COLUMN=A|B, COLUMN!=VALUE, COLUMN>=BOUND, … "
    "An empty value means missing. Repeat it: all hold.",
)
@click.option(
    "--balance",
    metavar="COLUMN",
    help="As many rows for each value of COLUMN, or of those listed: COLUMN=A|B.",
)
@click.option("--formats", metavar="F,G", help="Formats of the files.  [default: the release's]")
@click.option(
    "--model",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The release's model.dpgate, or the folder with it.  [default: where this machine put it]",
)
@key_option("a runner")
@root_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Where the files go; must not exist yet.  [default: a folder of $DPGATE_STATE]",
)
@common
def command(
    *,
    record: str,
    rows: int,
    where: tuple[str, ...],
    balance: str | None,
    formats: str | None,
    model: Path | None,
    key_file: str,
    root: str | None,
    out: Path | None,
    repo: Path,
    style: str,
) -> None:
    """Draw rows again from the model that RECORD kept, at no cost.

    RECORD is a release (dataset/release), or the number or digest of the ledger entry that settled
    it; its manifest said synthesize: {keep_model: true}. No data is opened and nothing is spent;
    the draw becomes a ledger entry of its own, for the release's recipients under its terms. Rows
    that were chosen by conditions, or balanced, do not represent the population; their card says so.

    \b
    Examples
      dpgate sample rand-health/2026q4-vendor-testing --rows 50000 --key runner.key
      dpgate sample rand-health/2026q4-vendor-testing --rows 2000 --key runner.key \\
        --where 'health=fair|poor' --where 'income>=20000'
      dpgate sample 7 --rows 4000 --balance health --formats csv --key runner.key \\
        --model ./vendor/model.dpgate --out ./again
    """
    from dpgate.gate.sample import sample

    key = load_key(key_file)
    named = tuple(name.strip() for name in (formats or "").split(",") if name.strip())
    with stages() as progress:
        result = sample(
            record,
            {"rows": rows, "where": where, "balance": balance, "formats": named},
            model=model,
            key=key,
            repo=repo,
            root=root,
            out=out,
            progress=progress,
        )
    finish(result, style)
