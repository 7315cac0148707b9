"""`ledger export`: one flat row an entry, for spreadsheets and warehouses."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

from dpgate.errors import MissingExtraError, UsageError
from dpgate.gate.ledger import summary
from dpgate.gate.results import FilesResult
from dpgate.gate.standing import open_signed
from dpgate.gate.workspace import workspace
from dpgate.ledger.chain import Chain, Link
from dpgate.model.record import Reserve, Sample, Settle
from dpgate.model.values import plain

Row = dict[str, str | int | None]
KINDS = ("jsonl", "csv", "parquet")


def export(
    out: Path | str, repo: Path | str = ".", *, kind: str = "", offline: bool = False
) -> FilesResult:
    """Write the ledger to a file.

    Args:
        out: the file; must not exist.
        repo: a release repository, or a folder in it.
        kind: ``jsonl``, ``csv`` or ``parquet``; the file's ending if empty.
        offline: the ledger as this clone last fetched it.

    Raises:
        UsageError: an unknown kind, or the file exists.
        MissingExtraError: Parquet was asked for and pyarrow is not installed.
    """
    path = Path(out)
    chosen = kind or path.suffix.removeprefix(".")
    if chosen not in KINDS:
        raise UsageError(f"unknown kind of file {chosen!r}", fix=f"end it in .{', .'.join(KINDS)}")
    if path.exists():
        raise UsageError(f"{path} exists already", fix="choose another file name")
    ledger = open_signed(workspace(Path(repo)), offline=offline)
    orders = ledger.policy.spec.accounting.orders
    rows = [_row(link, orders, ledger.chain) for link in ledger.chain.links]
    {"jsonl": _jsonl, "csv": _csv, "parquet": _parquet}[chosen](path, rows)
    return FilesResult(title=f"{len(rows)} entries in {path}", lines=(), next="")


def _row(link: Link, orders: Sequence[int], chain: Chain) -> Row:
    kind, release, text = summary(link)
    entry = link.entry
    row: Row = {
        "entry": entry.sequence,
        "time": entry.time,
        "kind": kind,
        "release": release or None,
        "summary": text,
        "populations": None,
        "purpose": None,
        "recipients": None,
        "attempt": None,
        "resumes": None,
        "epsilon_alone": None,
        "delta": None,
        "person_epsilon": None,
        "unprotected_bits": None,
        "outcome": entry.outcome if isinstance(entry, Settle) else None,
        "rows": entry.draw.rows if isinstance(entry, Sample) else None,
        **{f"renyi_{order}": None for order in orders},
        "digest": link.digest,
    }
    if isinstance(entry, Sample):
        row["recipients"] = " ".join(entry.recipients)
    if isinstance(entry, Reserve):
        facts, claim = entry.facts, entry.claim
        row |= {
            "populations": " ".join(facts.populations),
            "purpose": facts.purpose,
            "recipients": " ".join(facts.recipients),
            "attempt": entry.attempt,
            "resumes": chain.reserve(entry.resumes.reserve)[1].sequence if entry.resumes else None,
            "epsilon_alone": plain(claim.epsilon),
            "delta": plain(claim.delta),
            "person_epsilon": plain(claim.person_epsilon),
            "unprotected_bits": claim.unprotected_bits,
            **{f"renyi_{order}": plain(value) for order, value in entry.spend.curve.items()},
        }
    return row


def _jsonl(path: Path, rows: Sequence[Row]) -> None:
    lines = (json.dumps(row, ensure_ascii=False) for row in rows)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _csv(path: Path, rows: Sequence[Row]) -> None:
    with path.open("x", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        # A cell that a spreadsheet would run as a formula is shown as text instead.
        writer.writerows(
            {k: f"'{v}" if str(v)[:1] in "=+-@" and v else v for k, v in row.items()}
            for row in rows
        )


def _parquet(path: Path, rows: Sequence[Row]) -> None:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise MissingExtraError(extra="synth", what="a Parquet file") from None
    whole = {"entry", "attempt", "rows", "unprotected_bits"}
    kinds = [pa.field(name, pa.int64() if name in whole else pa.string()) for name in rows[0]]
    pq.write_table(pa.Table.from_pylist(list(rows), schema=pa.schema(kinds)), path)
