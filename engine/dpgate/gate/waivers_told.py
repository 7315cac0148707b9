"""What is said of waivers: findings about the documents themselves, and a row for each."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from dpgate.gate.results import PlanResult
from dpgate.gate.waiver_results import Shown, WaiverRow
from dpgate.gate.waivers import Decided, Ground, Offer, decide
from dpgate.loading.documents import Loaded
from dpgate.loading.repository import Documents
from dpgate.model.finding import Finding
from dpgate.model.rule import Enforcement
from dpgate.policy import enforcement
from dpgate.policy.builtin import BUILTIN
from dpgate.policy.rulebook import Bound, programs


@dataclass(frozen=True)
class Unfit:
    """Why no waiver can be in force for a rule."""

    level: Literal["deny", "warn"]
    message: str
    fix: str


def unfit(
    rule: str, known: Mapping[str, Enforcement], consent: Collection[str] = ()
) -> Unfit | None:
    """What is wrong with waiving a rule; None for a soft one.

    Args:
        rule: its id.
        known: the enforcement of every rule that the release is judged by.
        consent: those of them that are about approvals.
    """
    how = known.get(rule)
    if rule in consent:
        message = (
            f"waives rule {rule}, which is about approvals: they accept waivers, not the reverse"
        )
        return Unfit("deny", message, "let those approve whom the rule asks for")
    if how == "soft":
        return None
    if how == "advisory":
        message = f"waives rule {rule}, which is advisory and stops nothing"
        return Unfit("warn", message, "remove the waiver")
    if how == "hard":
        message = f"waives rule {rule}, which is hard: no waiver of it can be in force"
        return Unfit("deny", message, "let the rule hold, or have the policy changed")
    if rule in BUILTIN:
        message = f"waives rule {rule}, which is built into dpgate: nobody can set it aside"
        return Unfit("deny", message, "let the rule hold")
    close = difflib.get_close_matches(rule, known, n=1)
    soft = ", ".join(name for name, each in known.items() if each == "soft") or "none"
    return Unfit(
        "deny",
        f"waives rule {rule}, which there is not",
        f"did you mean {close[0]!r}?" if close else f"rules that can be waived: {soft}",
    )


def waiving(
    offers: Iterable[Offer],
    release: str,
    bounds: Iterable[Bound],
    ground: Ground,
    later: frozenset[str] = frozenset(),
) -> Waiving:
    """Decide on the waivers of a release, beside the rules that it is judged by.

    Args:
        offers: waivers, those of other releases among them.
        release: ``dataset/release``.
        bounds: the rules.
        ground: what waivers are judged by.
        later: rules that are not judged here.
    """
    decided = decide(offers, release, ground)
    if not decided:
        return NO_WAIVERS
    rules, asked = tuple(bounds), {each.rule for each in decided}
    # Where no ledger is at hand nobody may have signed the rules: they are not read in this process.
    soft = [b for b in rules if b.rule.id in asked and b.rule.enforcement == "soft"]
    judged = programs(soft) if ground.root is not None else ()
    return Waiving(
        decided=decided,
        known={bound.rule.id: bound.rule.enforcement for bound in rules},
        consent=frozenset(b.rule.id for b, program in judged if program.stage == "approvals"),
        later=later,
    )


@dataclass(frozen=True, kw_only=True)
class Waiving:
    """The waivers of one release, beside the rules that it is judged by.

    Attributes:
        decided: which of them are in force.
        known: the enforcement of each rule.
        consent: rules about approvals, which nobody can waive.
        later: rules that are not judged here; `check` leaves those of budgets to `plan`.
    """

    decided: tuple[Decided, ...] = ()
    known: Mapping[str, Enforcement] = field(default_factory=dict)
    consent: frozenset[str] = frozenset()
    later: frozenset[str] = frozenset()

    def aside(self, made: Iterable[Finding]) -> tuple[Finding, ...]:
        """Findings as they count where these waivers are in force."""
        paths = {each.rule: each.path for each in self.decided if each}
        return tuple(
            enforcement.decide(finding, paths)
            if (finding.enforcement, finding.outcome) == ("soft", "violated")
            else finding
            for finding in made
        )

    def unless(self, judged: object) -> Waiving:
        """The same, or where not everything was judged: nothing is said to be idle then."""
        return self if judged is not None else replace(self, later=frozenset(self.known))

    def used(self, made: Iterable[Finding]) -> tuple[Decided, ...]:
        """Those in force that set a finding aside."""
        needed = _needed(made)
        return tuple(each for each in self.decided if each and each.path in needed)

    def findings(self, made: Iterable[Finding]) -> tuple[Finding, ...]:
        """What is to be said about the waivers themselves, after the rules were judged.

        Args:
            made: what the rules found, as it counts.
        """
        all_made = tuple(made)
        failed = {finding.rule for finding in all_made if finding.outcome == "error"}
        told = (self._finding(each, failed, _needed(all_made)) for each in self.decided)
        return tuple(finding for finding in told if finding is not None)

    def _finding(
        self, each: Decided, failed: Collection[str], needed: Collection[str]
    ) -> Finding | None:
        file, wrong = each.offer.file, unfit(each.rule, self.known, self.consent)
        if each.state == "expired":
            return _told(file, "warn", f"is not in force: {each.why}", _REMOVE, "expires")
        if wrong is not None:
            return _told(file, wrong.level, wrong.message, wrong.fix, "rule")
        if each.rule in failed:
            message = f"cannot cover rule {each.rule}, which could not be evaluated: errors deny"
            return _told(file, "deny", message, "have the rule mended", "rule")
        if not each:
            return _told(file, "warn", f"is not in force: {each.why}", _way(each), "rule")
        if self._idle(each, needed):
            message = f"is not needed: rule {each.rule} holds for {each.waiver.spec.release}"
            return _told(file, "warn", message, _REMOVE, "rule")
        return None

    def _idle(self, each: Decided, needed: Collection[str]) -> bool:
        return bool(each) and each.path not in needed and each.rule not in self.later

    def rows(self, made: Iterable[Finding]) -> tuple[WaiverRow, ...]:
        """A row for each waiver."""
        needed = _needed(made)
        return tuple(self._row(each, needed) for each in self.decided)

    def _row(self, each: Decided, needed: Collection[str]) -> WaiverRow:
        spec, why = each.waiver.spec, each.why
        wrong = unfit(each.rule, self.known, self.consent)
        state: Shown = each.state
        if each and wrong is not None:
            state, why = "refused", wrong.message
        elif self._idle(each, needed):
            state, why = "unused", f"rule {each.rule} holds"
        elif each.state == "claimed":
            why = "plan judges its signatures"
        return WaiverRow(
            name=each.offer.name,
            release=spec.release,
            rule=spec.rule,
            reason=spec.reason,
            ticket=spec.ticket,
            expires=str(spec.expires),
            state=state,
            why=why,
            path=each.path,
        )


NO_WAIVERS = Waiving()
"""Those of a release that nobody wrote any for."""


def _needed(made: Iterable[Finding]) -> set[str]:
    """Paths of the waivers that set a finding aside."""
    return {finding.waiver for finding in made if finding.outcome == "waived"}


_REMOVE = "remove it: what is not needed should not lie in wait"


def _way(each: Decided) -> str:
    """How a waiver could come into force."""
    if each.lacking:
        role = next(iter(each.lacking))
        return f"dpgate waive {each.offer.name} --role {role} --key KEY"
    return "change the waiver, or have the policy changed"


def with_waivers(result: PlanResult, waivers: Waiving) -> PlanResult:
    """A plan that tells of its waivers, and says who is to sign if only that is missing."""
    found = waivers.rows(result.findings)
    idle = {row.path for row in found if row.state != "unsigned"}
    stopped = {f.rule for f in result.findings if f.level == "deny"}
    ways = [_way(d) for d in waivers.decided if d.path not in idle and d.rule in stopped]
    follow = ways[0] if ways and result.verdict == "denied" and not result.next else result.next
    return result.model_copy(update={"waivers": found, "next": follow})


def nowhere(documents: Documents) -> tuple[Finding, ...]:
    """Waivers for releases that have no manifest."""
    present = sorted(documents.present)
    found = []
    for file in documents.waivers.values():
        release = Offer(file, ()).waiver.spec.release
        if release not in documents.present:
            close = difflib.get_close_matches(release, present, n=1)
            fix = f"did you mean {close[0]!r}?" if close else "remove it, or write the manifest"
            message = f"is for {release}, and there is no releases/{release}/release.yaml"
            found.append(_told(file, "deny", message, fix, "release"))
    return tuple(found)


def _told(
    file: Loaded, level: Literal["deny", "warn"], message: str, fix: str, key: str
) -> Finding:
    line, column = file.at("spec", key)
    return Finding(
        rule="waiver",
        level=level,
        message=f"waiver {file.document.metadata.name} {message}",
        fix=fix,
        file=file.file,
        line=line,
        column=column,
        enforcement="advisory" if level == "warn" else "hard",
    )
