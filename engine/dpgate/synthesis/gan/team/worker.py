"""A worker: gets a job, then weights and rows at each step, and sends the sum of clipped gradients."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from dpgate.synthesis import registry
from dpgate.synthesis.gan.clip import parameters
from dpgate.synthesis.gan.layers import Mlp, linear
from dpgate.synthesis.gan.records import Records
from dpgate.synthesis.gan.start import Setting
from dpgate.synthesis.gan.synthesizer import Trained
from dpgate.synthesis.gan.team import messages, tls
from dpgate.synthesis.gan.team.channel import Channel
from dpgate.synthesis.gan.team.leader import FAULTS
from dpgate.synthesis.gan.team.meet import Rank, file_store, met
from dpgate.synthesis.gan.trainer import Clipped, summed

if TYPE_CHECKING:
    from torch.distributed import Store  # type: ignore[attr-defined]

PATIENCE = timedelta(hours=4)
"""For rank 0, which may read data of any size before the first step."""
_SECONDS = 10.0


def work(store: Store, rank: Rank, papers: tls.Papers) -> None:
    """Computes what rank 0 asks for, until it dismisses this process.

    Args:
        store: where the processes meet.
        rank: this process's own, > 0.
        papers: what it shows of itself, and whom it believes.

    Raises:
        OSError, RuntimeError, ValueError: rank 0 is gone, silent, or no member.

    Privacy:
        Rows of a step stay in memory until the next; their sum goes to rank 0, unprotected.
    """
    with met(store, rank) as group:
        context = tls.context(papers, server=False)
        line = Channel(group, 0, context, server=False, patience=PATIENCE)
        line.send(messages.VERSION.encode())
        job = messages.Job.unpacked(line.receive())
        clipped, setting = _made(job, _device())
        wanted = parameters(clipped.layers)
        count = sum(parameter.numel() for parameter in wanted)
        while (message := line.receive()) != messages.DISMISSED:
            weights, cells = messages.opened(message, count)
            with torch.no_grad():
                for parameter, new in zip(wanted, messages.shaped(weights, wanted), strict=True):
                    parameter.copy_(new)
            line.send(messages.flat(summed(clipped, Records.emptied(cells), setting.blocks.ones)))


def _made(job: messages.Job, device: torch.device) -> tuple[Clipped, Setting]:
    synthesizer = registry.get(job.synthesizer)
    if not isinstance(synthesizer, Trained):
        raise ValueError("no synthesizer that trains")  # noqa: TRY004 - of a name, not of a type
    setting = Setting.on(device, job.sizes)
    networks = [Mlp(sizes, setting.random) for sizes in job.widths]
    clipped = Clipped(
        layers=linear(*networks),
        losses=synthesizer.losses()(networks, setting),
        clip=job.clip,
        at_once=job.at_once,
    )
    return clipped, setting


def _device() -> torch.device:
    """The GPU of this process's place on its machine, if there is one."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    place = int(os.environ.get("LOCAL_RANK", "0"))
    return torch.device("cuda", place % torch.cuda.device_count())


def main() -> None:
    """A child of rank 0: ends with it, whatever it is doing."""
    folder, (rank, size) = Path(sys.argv[1]), map(int, sys.argv[2:])
    watch = threading.Thread(target=_end_with_parent, args=(folder,), daemon=True)
    watch.start()
    try:
        work(file_store(folder, size), Rank(rank, size), tls.kept(folder))
    except FAULTS:
        watch.join(_SECONDS)  # if rank 0 is gone, this is the end, with the folder


def _end_with_parent(folder: Path) -> None:
    os.read(0, 1)  # rank 0 writes nothing: this returns when it is gone
    shutil.rmtree(folder, ignore_errors=True)  # of a rank 0 that was killed
    os.kill(os.getpid(), signal.SIGKILL)
