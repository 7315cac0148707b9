"""`dpgate worker`."""

from __future__ import annotations

import os
import signal

import click

from dpgate.errors import MissingExtraError, SynthesisError, UndecidedError


@click.command("worker", short_help="Compute gradients for a training that runs elsewhere.")
@click.option(
    "--rank",
    type=click.IntRange(min=1),
    required=True,
    envvar="RANK",
    show_envvar=True,
    help="Of this process; the gate's is 0.",
)
@click.option(
    "--of",
    "size",
    type=click.IntRange(min=2),
    required=True,
    envvar="WORLD_SIZE",
    show_envvar=True,
    help="Processes, the gate's included: synthesize.training.processes.",
)
@click.option(
    "--at",
    "place",
    metavar="HOST:PORT",
    callback=lambda _ctx, _param, value: _place(value),
    help="Where the gate's process is.  [default: MASTER_ADDR:MASTER_PORT]",
)
@click.option("--key", envvar="DPGATE_TLS_KEY", show_envvar=True, help="Private key (PEM).")
@click.option("--cert", envvar="DPGATE_TLS_CERT", show_envvar=True, help="Its certificate (PEM).")
@click.option(
    "--ca",
    envvar="DPGATE_TLS_CA",
    show_envvar=True,
    help="Certificate of the authority by which members know each other (PEM).",
)
def command(
    rank: int, size: int, place: tuple[str, int], key: str | None, cert: str | None, ca: str | None
) -> None:
    """Compute clipped gradients for a `dpgate release` that runs on another machine.

    Connects to rank 0, waits for weights and rows, sends sums back, and ends when rank 0 dismisses
    it. It reads no repository and no data, draws no noise, and keeps nothing. What it gets and sends is
    private and travels under TLS 1.3, with certificates on both sides. Needs the extra gan. Uses
    the GPU of its LOCAL_RANK, if there is one. docs/training.md says how to make certificates.

    \b
    Examples
      dpgate worker --rank 1 --of 2 --at gate.internal:29500 --key w1.key --cert w1.pem --ca ca.pem
      RANK=1 WORLD_SIZE=2 MASTER_ADDR=gate.internal MASTER_PORT=29500 dpgate worker
    """
    from dpgate.synthesis.gan.team.elsewhere import PAPERS, papers

    if rank >= size:
        raise click.UsageError("--rank is below --of")
    shown = papers(dict(zip(PAPERS, (key, cert, ca), strict=True)), server=False)
    try:
        from dpgate.synthesis.gan.team.leader import FAULTS
        from dpgate.synthesis.gan.team.meet import Rank, tcp_store
        from dpgate.synthesis.gan.team.worker import work
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("dpgate"):
            raise
        raise MissingExtraError(extra="gan", what="a worker") from None
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # torch waits where Python hears no interrupt
    address, port = place
    click.echo(f"worker {rank} of {size}: waits for rank 0 at {address}:{port}", err=True)
    agent = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    try:
        me = Rank(rank, size)
        work(tcp_store(address, port, me, agent=agent), me, shown)
    except (*FAULTS, SynthesisError):
        raise UndecidedError(
            f"worker {rank}: rank 0 was not there, is gone, or did not take it; or memory ran out",
            fix="start it again with the next attempt: the same version of dpgate, certificates by the "
            "same authority, the rank and number of processes that rank 0 expects",
        ) from None
    click.echo(f"worker {rank} of {size}: dismissed by rank 0", err=True)


def _place(text: str | None) -> tuple[str, int]:
    """Host and port of rank 0."""
    given = text or ":".join(os.environ.get(name, "") for name in ("MASTER_ADDR", "MASTER_PORT"))
    host, _, port = given.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 2**16:
        raise click.BadParameter("expected HOST:PORT, or MASTER_ADDR and MASTER_PORT")
    return host.strip("[]"), int(port)
