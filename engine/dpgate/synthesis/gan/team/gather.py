"""Calling a team together for one training, and sending it home."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from dpgate.errors import SynthesisError
from dpgate.synthesis.gan.team import meet, tls
from dpgate.synthesis.gan.team.channel import Channel
from dpgate.synthesis.gan.team.children import Children
from dpgate.synthesis.gan.team.elsewhere import elsewhere
from dpgate.synthesis.gan.team.leader import FAULTS, Many
from dpgate.synthesis.gan.team.lengths import room
from dpgate.synthesis.gan.team.meet import (
    Group,
    Rank,
    file_store,
    interface,
    loopback,
    met,
    tcp_store,
)
from dpgate.synthesis.gan.team.messages import Job
from dpgate.synthesis.gan.team.waiting import always, awaited
from dpgate.synthesis.gan.trainer import Team

if TYPE_CHECKING:
    from dpgate.synthesis.interface import Progress

PATIENCE = timedelta(minutes=30)
"""For what a worker computes in a step."""
HANDSHAKE = timedelta(minutes=2)
"""For all workers to show certificates and versions, once they are connected."""


@contextmanager
def gathered(job: Job, processes: int, batch: int, progress: Progress) -> Iterator[Team]:
    """A team of several processes, before any row is read; it goes when this is left.

    Args:
        job: of its workers.
        processes: this one included.
        batch: records of a step, on average.
        progress: told a stage.

    Raises:
        SynthesisError: it did not come together, or the environment does not fit `processes`.
    """
    rank = Rank(0, processes)
    place = elsewhere(processes)
    stage = f"gather {processes} processes"
    progress(stage, 0.0)
    with ExitStack() as stack:
        try:
            if place is None:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dpgate-")))
                papers = tls.ephemeral(folder)
                threads = stack.enter_context(_threads(processes))
                children = stack.enter_context(Children(folder, processes, threads))
                stack.enter_context(interface(loopback()))
                store = file_store(folder, processes)
                alive = children.alive
            else:
                papers, alive = place.papers, always
                held = partial(tcp_store, place.address, place.port, rank, agent=place.agent)
                store = awaited(held, meet.PATIENCE)
            group = stack.enter_context(met(store, rank, alive))
            lines = awaited(partial(_lines, group, papers, job), HANDSHAKE, alive)
            # All have them: a folder that nobody is left to remove holds no key.
            for paper in (papers.key, papers.certificate) if place is None else ():
                Path(paper).unlink()
            team = Many(lines, room(batch, processes), job.person_rows)
        except FAULTS:
            raise SynthesisError(
                f"the {processes} processes of the training did not come together; its cost is spent",
                fix="start every `dpgate worker` (the same version, certificates by the same "
                "authority, machines that reach each other), or training.processes: 1",
            ) from None
        progress(stage, 1.0)
        yield team
        team.dismiss()


def _lines(group: Group, papers: tls.Papers, job: Job) -> list[Channel]:
    """Channels to the workers, each of which has the job."""
    context = tls.context(papers, server=True)
    lines = [
        Channel(group, peer, context, server=True, patience=HANDSHAKE)
        for peer in range(1, group.size)
    ]
    for line in lines:
        if line.receive().decode() != job.version:
            raise ValueError("a worker of another version")
        line.send(job.packed())
        line.patience = PATIENCE
    return lines


@contextmanager
def _threads(processes: int) -> Iterator[int]:
    """This machine's cores in equal parts, unless the environment says how many threads."""
    before = torch.get_num_threads()
    each = before if "OMP_NUM_THREADS" in os.environ else max(1, before // processes)
    torch.set_num_threads(each)
    try:
        yield each
    finally:
        torch.set_num_threads(before)
