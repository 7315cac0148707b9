"""The rules of an organization: where each was written, what is wrong with it, what it finds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from dpgate.errors import DocumentError, Problem
from dpgate.loading.documents import Loaded
from dpgate.loading.within import within
from dpgate.model.finding import Finding
from dpgate.model.policy import PrivacyPolicy
from dpgate.model.rule import Rule
from dpgate.policy.enforcement import decide

if TYPE_CHECKING:
    from dpgate.policy.cel.compile import Fault, Program, Source
    from dpgate.policy.cel.evaluate import Scene


@dataclass(frozen=True, kw_only=True)
class Bound:
    """A rule where it is in force."""

    rule: Rule
    path: tuple[str | int, ...]
    """Where its document holds it: ("spec", "rules", 3)."""
    origin: Literal["policy", "dataset", "catalogue"] = "policy"
    options: Mapping[str, object] = field(default_factory=dict)
    """Values of the options of a rule of the catalogue."""
    types: tuple[tuple[str, str], ...] = ()
    """Names and types of those options: (("at_most", "double"),)."""

    @property
    def source(self) -> Source:
        """The rule as judging needs it."""
        from dpgate.policy.cel.compile import Source

        rule = self.rule
        return Source(rule.id, rule.when, rule.assert_, rule.message, self.types)


def rules_of(policy: PrivacyPolicy) -> tuple[Bound, ...]:
    """The rules of a policy, in its order."""
    return tuple(
        Bound(rule=rule, path=("spec", "rules", number))
        for number, rule in enumerate(policy.spec.rules)
    )


def problems(bounds: Iterable[Bound], loaded: Loaded) -> tuple[Problem, ...]:
    """Everything that keeps rules of one document from being used, at its place."""
    from dpgate.policy.cel.compile import RuleError, compile_rule

    found: list[Problem] = []
    for bound in bounds:
        try:
            compile_rule(bound.source)
        except RuleError as error:
            found += [problem_of(bound, loaded, fault) for fault in error.faults]
    return tuple(found)


def problem_of(bound: Bound, loaded: Loaded, fault: Fault) -> Problem:
    """A fault of a rule, at its line and column."""
    path = (*bound.path, fault.key)
    line, column = loaded.at(*path)
    if path in loaded.parsed.positions:
        line, column = within(loaded.text, (line, column), fault.offset)
    return Problem(
        file=loaded.file,
        line=line,
        column=column,
        message=f"rule {bound.rule.id}, {fault.key}: {fault.message}",
        fix=fault.fix,
    )


def programs(bounds: Iterable[Bound], loaded: Loaded) -> tuple[tuple[Bound, Program], ...]:
    """Rules that can be judged by.

    Raises:
        DocumentError: some cannot; lists every fault at its place.
    """
    from dpgate.policy.cel.compile import compile_rule

    chosen = tuple(bounds)
    faults = problems(chosen, loaded)
    if faults:
        raise DocumentError(faults)
    return tuple((bound, compile_rule(bound.source)) for bound in chosen)


def findings(
    judged: Iterable[tuple[Bound, Program]],
    scene: Scene,
    release_file: Loaded,
    dataset_file: Loaded,
    waivers: Mapping[str, str] | None = None,
) -> tuple[Finding, ...]:
    """What rules find in one release, in their order; nothing where they hold.

    Args:
        judged: the rules.
        scene: facts of the release.
        release_file: its manifest, which findings point into.
        dataset_file: its dataset, likewise.
        waivers: path of the waiver in force, by rule.
    """
    found = []
    for bound, program in judged:
        verdict = scene.judge(program, bound.options)
        if verdict.outcome in ("violated", "error"):
            found.append(
                finding(
                    bound.rule,
                    verdict.message,
                    release_file,
                    dataset_file,
                    waivers,
                    error=verdict.outcome == "error",
                )
            )
    return tuple(found)


def finding(
    rule: Rule,
    message: str,
    release_file: Loaded,
    dataset_file: Loaded,
    waivers: Mapping[str, str] | None = None,
    *,
    error: bool = False,
) -> Finding:
    """What a rule found, at the key that it names."""
    at = (rule.at or "").split(".") if rule.at else []
    loaded = release_file
    if at[:1] == ["dataset"] and len(at) > 1:
        loaded, at = dataset_file, at[1:]
    line, column = loaded.at("spec", *(int(key) if key.isdigit() else key for key in at))
    told = f"could not be evaluated: {message}" if error else message
    made = Finding(
        rule=rule.id,
        level="deny",
        message=told,
        fix=_REPAIR if error else rule.help or _ASK,
        file=loaded.file,
        line=line,
        column=column,
        enforcement=rule.enforcement,
        outcome="error" if error else "violated",
        help=rule.help or "",
    )
    return decide(made, waivers)


_ASK = "change the manifest so that the rule holds, or ask those who own the policy"
_REPAIR = (
    "the rule must be mended in the policy: guard what may be missing with `in`, has() or size()"
)
