"""What is said of waivers: findings about the documents themselves, and a row for each."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from dpgate.gate.waiver_results import WaiverRow
from dpgate.gate.waivers import Decided
from dpgate.loading.documents import Loaded
from dpgate.model.finding import Finding
from dpgate.model.rule import Enforcement
from dpgate.model.waiver import Waiver
from dpgate.policy.builtin import BUILTIN

RULE = "waiver"
"""Id of what is found about a waiver itself."""


@dataclass(frozen=True)
class Unfit:
    """Why no waiver can be in force for a rule."""

    level: Literal["deny", "warn"]
    message: str
    fix: str


def unfit(rule: str, known: Mapping[str, Enforcement]) -> Unfit | None:
    """What is wrong with waiving a rule; None for a soft one.

    Args:
        rule: its id.
        known: the enforcement of every rule that the release is judged by.
    """
    enforcement = known.get(rule)
    if enforcement == "soft":
        return None
    if enforcement == "advisory":
        message = f"waives rule {rule}, which is advisory and stops nothing"
        return Unfit("warn", message, "remove the waiver")
    if enforcement == "hard":
        message = f"waives rule {rule}, which is hard: no waiver of it can be in force"
        return Unfit("deny", message, "let the rule hold, or have the policy changed")
    if rule in BUILTIN:
        message = f"waives rule {rule}, which is built into dpgate: nobody can set it aside"
        return Unfit("deny", message, "let the rule hold")
    close = difflib.get_close_matches(rule, known, n=1)
    soft = ", ".join(name for name, how in known.items() if how == "soft") or "none"
    return Unfit(
        "deny",
        f"waives rule {rule}, which there is not",
        f"did you mean {close[0]!r}?" if close else f"rules that can be waived: {soft}",
    )


def findings(
    decided: Iterable[Decided],
    known: Mapping[str, Enforcement],
    made: Collection[Finding],
    judged: Callable[[str], bool] = lambda _: True,
) -> Iterator[Finding]:
    """What is to be said about waivers themselves.

    Args:
        decided: those of one release.
        known: the enforcement of every rule that it is judged by.
        made: what those rules found.
        judged: whether a rule was judged here; `check` leaves those of budgets to `plan`.
    """
    failed = {finding.rule for finding in made if finding.outcome == "error"}
    needed = {finding.waiver for finding in made if finding.outcome == "waived"}
    for each in decided:
        wrong = unfit(each.rule, known)
        if each.state == "expired":
            yield _finding(
                each.offer.file, "warn", f"is not in force: {each.why}", _REMOVE, "expires"
            )
        elif wrong is not None:
            yield _finding(each.offer.file, wrong.level, wrong.message, wrong.fix, "rule")
        elif not each:
            yield _finding(
                each.offer.file, "warn", f"is not in force: {each.why}", _way(each), "rule"
            )
        elif each.rule in failed:
            message = (
                f"cannot cover rule {each.rule}, which could not be evaluated: an error denies"
            )
            yield _finding(each.offer.file, "deny", message, "have the rule mended", "rule")
        elif each.path not in needed and judged(each.rule):
            message = f"is not needed: rule {each.rule} holds for {each.waiver.spec.release}"
            yield _finding(each.offer.file, "warn", message, _REMOVE, "rule")


_REMOVE = "remove it: what is not needed should not lie in wait"


def _way(each: Decided) -> str:
    """How a waiver could come into force."""
    if each.lacking:
        role = next(iter(each.lacking))
        return f"dpgate waive {each.offer.name} --role {role} --key KEY"
    return "change the waiver, or have the policy changed"


def nowhere(file: Loaded, waiver: Waiver, present: Collection[str]) -> Finding | None:
    """A waiver for a release that has no manifest."""
    release = waiver.spec.release
    if release in present:
        return None
    close = difflib.get_close_matches(release, sorted(present), n=1)
    fix = f"did you mean {close[0]!r}?" if close else "remove it, or write the manifest"
    message = f"is for {release}, and there is no releases/{release}/release.yaml"
    return _finding(file, "deny", message, fix, "release")


def _finding(
    file: Loaded, level: Literal["deny", "warn"], message: str, fix: str, key: str
) -> Finding:
    line, column = file.at("spec", key)
    return Finding(
        rule=RULE,
        level=level,
        message=f"waiver {file.document.metadata.name} {message}",
        fix=fix,
        file=file.file,
        line=line,
        column=column,
        enforcement="advisory" if level == "warn" else "hard",
    )


def rows(
    decided: Iterable[Decided],
    made: Collection[Finding],
    known: Mapping[str, Enforcement],
    judged: Callable[[str], bool] = lambda _: True,
) -> tuple[WaiverRow, ...]:
    """A row for each waiver of one release."""
    needed = {finding.waiver for finding in made if finding.outcome == "waived"}
    return tuple(_row(each, needed, known, judged) for each in decided)


def _row(
    each: Decided,
    needed: Collection[str],
    known: Mapping[str, Enforcement],
    judged: Callable[[str], bool],
) -> WaiverRow:
    spec, state, why = each.waiver.spec, each.state, each.why
    wrong = unfit(each.rule, known)
    shown: Literal["in-force", "claimed", "unused", "unsigned", "expired", "refused"] = state
    if each and wrong is not None:
        shown, why = "refused", wrong.message
    elif each and each.path not in needed and judged(each.rule):
        shown, why = "unused", f"rule {each.rule} holds"
    elif state == "claimed":
        why = "plan judges its signatures"
    return WaiverRow(
        name=each.offer.name,
        release=spec.release,
        rule=spec.rule,
        reason=spec.reason,
        ticket=spec.ticket,
        expires=str(spec.expires),
        state=shown,
        why=why,
        path=each.path,
    )
