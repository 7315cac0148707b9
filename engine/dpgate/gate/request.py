"""Judging a request: rules on what it changes, plans of those manifests, and what of the policy it changes.

The rules are those of the request's own policy, so that a changed policy is seen to hold. Plans, their
budgets and approvals are judged by the adopted policy on the ledger, which no request can change.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from dpgate.errors import ChainError, UndecidedError
from dpgate.gate.adopt import pending
from dpgate.gate.changes import Changes, changes, edited
from dpgate.gate.check import check
from dpgate.gate.opening import open_ledger, require_root
from dpgate.gate.plans import plans
from dpgate.gate.policydiff import ADOPTED, WORKTREE, policy_diff
from dpgate.gate.results import CheckResult, PlansResult
from dpgate.gate.workspace import Workspace, workspace
from dpgate.model.finding import Finding
from dpgate.model.values import Frozen

_MANIFEST = re.compile(r"releases/([^/]+/[^/]+)/release\.yaml")


class RequestResult(Frozen):
    """What a request would do."""

    schema_: Annotated[Literal["dpgate.request/v1"], Field(alias="schema")] = "dpgate.request/v1"
    verdict: Literal["allowed", "waiting", "denied"]
    """`waiting`: only approvals are missing."""
    check: CheckResult
    """The request's own findings, those of its rules, and those of the plans, each once."""
    plans: PlansResult | None
    """None where no manifest changed, or rules alone were asked for."""
    policy: tuple[str, ...] | None
    """What adopting the request's policy would change; None where it changes none."""
    authenticated: bool
    """Whether the ledger's root is one that was given."""

    @property
    def exit_code(self) -> int:
        """What the command ends with: a request that waits is not allowed yet."""
        return 0 if self.verdict == "allowed" else 1


def judge_request(
    repo: Path | str = ".",
    *,
    base: str | None = None,
    root: str | None = None,
    rules_only: bool = False,
    offline: bool = False,
) -> RequestResult:
    """Judge what the work tree changes since it left a base.

    Args:
        repo: a release repository, or a folder in it.
        base: branch or commit that the request asks to change; all manifests are judged if None.
        root: genesis digest that the ledger must have.
        rules_only: hold manifests against rules; no ledger is read.
        offline: judge by the ledger as this clone last fetched it.

    Raises:
        DocumentError: documents are malformed.
        UndecidedError: a manifest changed, and no policy was adopted yet or no ledger is here.
        LedgerError: the ledger does not hold together, or has another root.
    """
    found = check(repo, changed=base)
    space = workspace(Path(repo))
    changed = None if base is None else changes(space, base)
    findings = list(found.findings)
    moved = any(finding.rule == "ledger-branch" for finding in findings)
    planned: PlansResult | None = None
    policy: tuple[str, ...] | None = None
    if not rules_only and not moved:  # a ledger that the request itself names proves nothing
        if root is not None:
            require_root(space, root, offline=offline)
        if _plans_something(space, changed):
            planned = plans(repo=repo, changed=base, offline=offline)
            findings += [f for plan in planned.plans for f in plan.findings]
        if changed is not None:
            findings += _released(space, changed, offline=offline)
        if changed is not None and changed.under("policies/"):
            policy, more = _policy(space, repo, offline=offline)
            findings += more
    whole = _once(found, findings)
    return RequestResult(
        verdict=_verdict(whole, planned),
        check=whole,
        plans=planned,
        policy=policy,
        authenticated=root is not None and not rules_only and not moved,
    )


def _plans_something(space: Workspace, changed: Changes | None) -> bool:
    if changed is None:
        return bool(space.documents.releases)
    return bool(edited(space, changed))


def _released(space: Workspace, changed: Changes, *, offline: bool) -> Iterator[Finding]:
    """Manifests that were released stay as they are: `verify` holds them against the ledger."""
    names = {match[1]: path for path in changed.paths if (match := _MANIFEST.fullmatch(path))}
    if not names:
        return
    chain = open_ledger(space, offline=offline).chain
    for name, path in names.items():
        done = chain.released(name)
        here = space.documents.releases.get(name)
        if done is None or (here is not None and here.digest == done[0].documents[0].sha256):
            continue
        what = "was edited" if here else "was removed"
        yield Finding(
            rule="released-manifest",
            level="deny",
            message=f"{path} {what}, and entry {done[1].sequence} released it as it was",
            fix="restore it; a changed release is a new manifest under a new name",
            file=path,
        )


def _policy(
    space: Workspace, repo: Path | str, *, offline: bool
) -> tuple[tuple[str, ...], tuple[Finding, ...]]:
    """What adopting the request's policy would change, and whether it could be adopted at all."""
    try:
        changes = pending(repo, offline=offline).changes
    except UndecidedError:
        return ("no policy was adopted yet: this would be the first",), ()
    except ChainError as error:
        line, column = space.policy_file.at("spec")
        finding = Finding(
            rule="policy-change",
            level="deny",
            message=error.message,
            fix=error.fix or "restore what the adopted policy says there",
            file=space.policy_file.file,
            line=line,
            column=column,
        )
        return (), (finding,)
    verdicts = (
        f"{row.release} would be {row.after}, and is {row.before} now"
        + (f"; entry {row.made} released it" if row.made else "")
        for row in policy_diff(ADOPTED, WORKTREE, repo).releases
    )
    return (*changes, *verdicts), ()


def _once(found: CheckResult, findings: list[Finding]) -> CheckResult:
    """A result with each finding once, though two policies may come to it."""
    kept = {(f.rule, f.level, f.file, f.line, f.column, f.message): f for f in findings}
    allowed = not any(finding.level == "deny" for finding in kept.values())
    return found.model_copy(update={"findings": tuple(kept.values()), "allowed": allowed})


def _verdict(
    found: CheckResult, planned: PlansResult | None
) -> Literal["allowed", "waiting", "denied"]:
    verdicts = {plan.verdict for plan in planned.plans} if planned else set()
    if not found.allowed or verdicts - {"ready", "released", "waiting"}:
        return "denied"
    return "waiting" if "waiting" in verdicts else "allowed"
