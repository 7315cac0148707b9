"""`plan` of several releases: those named, all, or what a request changes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from dpgate.errors import UsageError
from dpgate.gate import budgets
from dpgate.gate.changes import changes, edited
from dpgate.gate.plan import Planned, informed, planned
from dpgate.gate.results import PlansResult, ScopeRow
from dpgate.gate.standing import Standing, open_standing
from dpgate.gate.workspace import Workspace, now, workspace
from dpgate.policy.facts import facts_of


def plans(
    releases: Iterable[str] = (),
    repo: Path | str = ".",
    *,
    changed: str | None = None,
    offline: bool = False,
) -> PlansResult:
    """Plan several releases under the last adopted policy, on one ledger at one moment.

    Args:
        releases: each ``dataset/release``; all manifests when empty.
        repo: a release repository, or a folder in it.
        changed: plan only manifests that changed since this branch or commit, or whose dataset did.
        offline: judge by the ledger as this clone last fetched it.

    Returns:
        A plan of each, as if it were next, and the budgets if all of them were released.

    Raises:
        UsageError: a release is unknown, or releases and a base of changes are both given.
        UndecidedError: no policy was adopted yet, or the ledger was not fetched.
        RemoteError: the remote cannot be reached.
        LedgerError: the ledger does not hold together.
    """
    named = tuple(releases)
    if named and changed is not None:
        raise UsageError("releases and a base of changes name manifests twice", fix="give one")
    space = workspace(Path(repo))
    if changed is not None:
        names = _changed(space, changed)
    else:
        names = tuple(dict.fromkeys(space.case(n).name for n in named or space.documents.releases))
    standing = open_standing(space, offline=offline)
    moment = now()
    each = [planned(space, name, standing, moment) for name in names]
    rules = {(rule.id, rule.dataset): rule for one in each for rule in one.result.rules}
    return PlansResult(
        changed_since=changed or "",
        plans=tuple(informed(one).model_copy(update={"rules": ()}) for one in each),
        delta=standing.policy.spec.accounting.delta,
        together=_together(standing, each),
        rules=tuple(rules.values()),
    )


def _changed(space: Workspace, ref: str) -> tuple[str, ...]:
    """Manifests that changed, or what they rest on: the adopted policy judges, whatever the request's says."""
    return edited(space, changes(space, ref))


def _together(standing: Standing, each: list[Planned]) -> tuple[ScopeRow, ...]:
    charges = [
        (facts_of(one.case.dataset, one.case.release), one.case.dataset.spec.limits, one.cost.spend)
        for one in each
        if one.cost is not None and one.result.verdict in ("ready", "waiting")
    ]
    if len(charges) < 2:
        return ()
    return budgets.together(standing.policy, standing.past, each[0].clock.hour, charges)
