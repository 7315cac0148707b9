"""One of two processes of Opacus's own distributed DP-SGD, without noise: writes what its step sums.

python -m tests.suites.opacus_pair RANK STORE OUT
"""

from __future__ import annotations

import sys
import warnings

import torch
import torch.distributed as dist
from opacus import GradSampleModule
from opacus.distributed import DifferentiallyPrivateDistributedDataParallel
from opacus.optimizers.ddpoptimizer import DistributedDPOptimizer
from torch import nn
from torch.distributed import FileStore  # type: ignore[attr-defined]

from dpgate.synthesis.gan.clip import _ROOM, parameters
from tests.suites.teams import JOB, Work, cells

ROWS = 61


def main() -> None:
    """A step on every second row."""
    rank, store, out = sys.argv[1:]
    warnings.simplefilter("ignore")
    dist.init_process_group("gloo", store=FileStore(store, 2), rank=int(rank), world_size=2)
    work = Work.made()
    wrapped = DifferentiallyPrivateDistributedDataParallel(work.network)
    module = GradSampleModule(wrapped, loss_reduction="sum")
    optimizer = DistributedDPOptimizer(
        torch.optim.SGD(module.parameters(), lr=0.0),
        noise_multiplier=0.0,
        max_grad_norm=JOB.clip * _ROOM,
        expected_batch_size=None,
        loss_reduction="sum",
    )
    rows = work.setting.blocks.ones(cells(ROWS)[int(rank) :: 2])
    nn.functional.softplus(-module(rows)[:, 0]).sum().backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    if rank == "0":
        torch.save([parameter.grad for parameter in parameters(work.clipped.layers)], out)
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
