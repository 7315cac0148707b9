"""`policy explain` and `policy rules`: what each rule is, who may waive it, and which tests show it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, is_dataclass
from decimal import Decimal
from pathlib import Path
from typing import Literal

from dpgate.errors import UsageError
from dpgate.gate.policy_results import RuleLine, RuleResult, RulesResult, Said, Shown
from dpgate.gate.policydiff import Side, ledger_of, trial_of
from dpgate.gate.policytest.run import Run, run, without_manifests, written
from dpgate.gate.trial import Costs, Judged, judge_all
from dpgate.gate.workspace import Workspace, now, policy_of, workspace
from dpgate.loading.repository import load_tests
from dpgate.model.policy import PrivacyPolicy
from dpgate.model.values import plain
from dpgate.policy.builtin import BUILTIN
from dpgate.policy.builtin_rule import Builtin
from dpgate.policy.cel.source import Outcome
from dpgate.policy.rulebook import Bound


def rules(repo: Path | str = ".") -> RulesResult:
    """Every rule that releases are held against: those people wrote first, then the built-in ones.

    Args:
        repo: a release repository, or a folder in it.
    """
    own = (_line(bound) for bound in written(without_manifests(Path(repo))))
    return RulesResult(rules=(*own, *map(_built_in, BUILTIN.values())))


def explain_rule(rule: str, repo: Path | str = ".", *, release: str | None = None) -> RuleResult:
    """Explain one rule.

    Args:
        rule: its id.
        repo: a release repository, or a folder in it.
        release: ``dataset/release`` of the work tree, to hold it against; None: none.

    Raises:
        UsageError: there is no such rule or release.
        DocumentError: rules or tests of the work tree are malformed.
    """
    space = workspace(Path(repo)) if release else without_manifests(Path(repo))
    bounds = {bound.rule.id: bound for bound in reversed(written(space))}
    if rule not in bounds and rule not in BUILTIN:
        raise _unknown(rule, (*bounds, *BUILTIN))
    policy = policy_of(space.policy_file)
    done = run(space, load_tests(space.root))
    made = (
        _explained(bounds[rule], policy, done)
        if rule in bounds
        else _explained_built_in(BUILTIN[rule], done)
    )
    return made if release is None else _held_against(made, bounds.get(rule), space, release)


def _unknown(rule: str, known: Iterable[str]) -> UsageError:
    from dpgate.loading.catalogue.shipped import names, page

    if rule in names():
        return UsageError(
            f"rule {rule} is of the catalogue, and this policy does not switch it on",
            fix=f"name it under spec.catalogue; {page(rule)} says what it does",
        )
    close = difflib.get_close_matches(rule, known, n=1)
    fix = f"did you mean {close[0]!r}?" if close else "dpgate policy rules lists them"
    return UsageError(f"no rule {rule}", fix=fix)


def _line(bound: Bound) -> RuleLine:
    line, column = bound.loaded.at(*bound.path)
    return RuleLine(
        id=bound.rule.id,
        title=bound.rule.title,
        origin=bound.origin,
        enforcement=bound.rule.enforcement,
        place=f"{bound.loaded.file}:{line}:{column}",
    )


def _built_in(rule: Builtin) -> RuleLine:
    return RuleLine(
        id=rule.id,
        title=rule.title,
        origin="built-in",
        enforcement="advisory" if rule.level == "warn" else "hard",
        place=rule.where,
    )


def _explained(bound: Bound, policy: PrivacyPolicy, done: Run) -> RuleResult:
    rule = bound.rule
    text = [("when", rule.when), ("assert", rule.assert_), ("message", rule.message)]
    text += [("at", rule.at)] if rule.at else []
    options = [(f"options.{name}", str(value)) for name, value in bound.options.items()]
    return RuleResult(
        rule=_line(bound),
        because=rule.help or "",
        text=tuple(Said(name=name, value=value) for name, value in (*text, *options)),
        reads=facts_in((rule.when, rule.assert_, rule.message)),
        waiver=_waiver(bound, policy),
        tests=tuple(_tests(done, lambda judged: _how(judged, bound))),
        page=bound.page,
    )


def _explained_built_in(rule: Builtin, done: Run) -> RuleResult:
    return RuleResult(
        rule=_built_in(rule),
        because=rule.because,
        text=(),
        reads=rule.reads,
        waiver="nobody: it is built into dpgate",
        tests=tuple(_tests(done, lambda judged: _failed(judged, rule))),
    )


def _waiver(bound: Bound, policy: PrivacyPolicy) -> str:
    if bound.rule.enforcement == "hard":
        return "nobody: it is hard"
    if bound.rule.enforcement == "advisory":
        return "nobody needs to: it warns, and stops nothing"
    waivers = policy.spec.waivers
    if waivers is None:
        return "nobody: it is soft, and the policy admits no waivers (spec.waivers)"
    return f"{' and '.join(waivers.roles)}, for at most {waivers.days_at_most} days: dpgate waive"


_QUOTED = re.compile(
    r"""'''.*?'''|\"\"\".*?\"\"\"|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'""", re.DOTALL
)
_FACT = re.compile(
    r"(?<![\w.])(?:release|dataset|budget|history|approvals|clock|options)(?:\.\w+(?!\w*\())*"
)


def facts_in(expressions: Iterable[str]) -> tuple[str, ...]:
    """The facts that expressions name, in order: ``release.epsilon``, ``budget.after``."""
    *code, message = expressions
    texts = [*(_QUOTED.sub('""', text) for text in code), *re.findall(r"\{([^{}]*)\}", message)]
    found = (match[0] for text in texts for match in _FACT.finditer(_QUOTED.sub('""', text)))
    return tuple(dict.fromkeys(found))


How = Literal["holds", "fails"]


def _tests(done: Run, how: Callable[[Judged], How | None]) -> Iterator[Shown]:
    for prepared, judged, result in zip(done.prepared, done.judged, done.results, strict=True):
        told = how(judged)
        if told:
            yield Shown(file=prepared.test.file, line=result.line, case=result.name, how=told)


def _how(judged: Judged, bound: Bound) -> How | None:
    for each, verdict in judged.rules:
        if (each.origin, each.loaded.file, each.rule.id) == (
            bound.origin,
            bound.loaded.file,
            bound.rule.id,
        ):
            return _HOWS[verdict.outcome]
    return None


_HOWS: dict[Outcome, How | None] = {
    "holds": "holds",
    "not-about": None,
    "violated": "fails",
    "error": "fails",
}


def _failed(judged: Judged, rule: Builtin) -> How | None:
    """Of a built-in rule the cases that hold are nearly all: those that break it are told."""
    return "fails" if any(finding.rule == rule.id for finding in judged.findings) else None


def _held_against(
    made: RuleResult, bound: Bound | None, space: Workspace, release: str
) -> RuleResult:
    """The rule beside a release of the work tree, on the ledger as this clone holds it."""
    case = space.case(release)
    ledger, _ = ledger_of(space, needed=False)
    side = Side(space.policy_file, Costs(policy_of(space.policy_file)))
    (judged,) = judge_all([trial_of(space, case.name, side, ledger, now())])
    values = () if bound is None else tuple(_values(made.reads, bound, judged))
    found = [finding for finding in judged.findings if finding.rule == made.rule.id]
    verdict = "; ".join(finding.message for finding in found)
    if not verdict and bound is not None:
        outcomes = [v.outcome for b, v in judged.rules if b.rule.id == bound.rule.id]
        words = {"holds": "it holds", "not-about": "it is not about this release"}
        verdict = words[outcomes[0]] if outcomes else _unasked(judged)
    if not verdict and bound is None:
        verdict = _built_in_verdict(BUILTIN[made.rule.id], judged)
    return made.model_copy(
        update={"release": case.name, "verdict": verdict or "it holds", "values": values}
    )


def _built_in_verdict(rule: Builtin, judged: Judged) -> str:
    """Without a finding; a rule that was not asked did not hold."""
    if rule.about != "release":
        command = {"policy": "check", "request": "check --changed", "approvals": "plan"}
        return f"not judged: it is about more than the manifest; dpgate {command[rule.about]} says"
    if rule.judged == "plan" and not judged.planned:
        return "not judged: something else denies the release first"
    return "it holds"


def _unasked(judged: Judged) -> str:
    if judged.planned:
        return "not judged: it is about approvals, which `dpgate plan` counts"
    return "not judged: something else denies the release first"


def _values(reads: Iterable[str], bound: Bound, judged: Judged) -> Iterator[Said]:
    """The values of facts. They are looked up by name; nothing of the rule is evaluated here."""
    for fact in reads:
        root, *steps = fact.split(".")
        if root == "options":
            value = bound.options.get(".".join(steps), "")
        else:
            longer = ".".join((root, *steps[:1]))
            if longer in judged.facts:  # a fact of its own
                root, steps = longer, steps[1:]
            value = judged.facts.get(root, _UNKNOWN)
            for step in steps:
                value = getattr(value, step, _UNKNOWN) if value is not _UNKNOWN else value
        yield Said(name=fact, value=_UNKNOWN if value is _UNKNOWN else _shown(_simple(value)))


_UNKNOWN = "not known: the release could not be planned"


def _shown(value: object) -> str:
    """A line for each record of a list or map, since there are many values in each."""
    from dpgate.policy.cel.evaluate import shown

    if isinstance(value, dict) and any(isinstance(inner, dict | list) for inner in value.values()):
        rows = [f"{key}: {shown(inner)}" for key, inner in value.items()]
    elif isinstance(value, list) and any(isinstance(inner, dict) for inner in value):
        rows = [shown(inner) for inner in value]
    else:
        return shown(value)
    more = [f"and {len(rows) - _ROWS} more"] if len(rows) > _ROWS else []
    return "\n".join((*rows[:_ROWS], *more))


_ROWS = 10


def _simple(value: object) -> object:
    """A fact as a message shows it."""
    if isinstance(value, Decimal):
        return plain(value)
    if is_dataclass(value):
        return {field.name: _simple(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {key: _simple(inner) for key, inner in value.items()}
    if isinstance(value, tuple | list):
        return [_simple(inner) for inner in value]
    return value
