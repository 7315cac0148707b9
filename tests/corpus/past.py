"""The past of the repository that is attacked: nine entries of every kind. See `Scene`."""

from __future__ import annotations

import contextlib

from tests.corpus.scene import FIRST, SECOND, THIRD
from tests.team import POLICY, Team


class Crash(BaseException):
    """What ends a run as a power cut would."""


def live(team: Team) -> Team:
    """Let a team that has made one release live on."""
    team.edit(POLICY, "lifetime: {epsilon: 8}", "lifetime: {epsilon: 8.5}")
    team.commit("A little more")
    team.approve("policy")
    team.adopt()
    for release in (SECOND, THIRD):
        team.copy_manifest(
            release.rpartition("/")[2], **{"{with: mst,": "{with: mst, keep_model: true,"}
        )
        team.commit("A manifest")
        team.approve(release)
    team.release(SECOND, out=team.folder / "second-files")
    team.api.withdraw(FIRST, reason="Columns too fine.", key=team.key("runner"))
    with contextlib.suppress(Crash):
        team.release(THIRD, progress=dies_after_reserving)
    team.api.recover(entry=8, key=team.key("runner"))
    team.api.checkpoint(key=team.key("legal"), out=team.folder / "note.txt")
    return team


def dies_after_reserving(stage: str, fraction: float) -> None:
    """A progress callback that ends the run once its cost is spent, before the data is opened."""
    if stage == "reserve" and fraction:
        raise Crash
