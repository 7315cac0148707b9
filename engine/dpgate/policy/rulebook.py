"""The rules of an organization: where each was written, what is wrong with it, what it finds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, cast

from dpgate.errors import DocumentError, Problem
from dpgate.loading.documents import Loaded, problem
from dpgate.loading.within import within
from dpgate.model.dataset import Dataset
from dpgate.model.finding import Finding
from dpgate.model.policy import PrivacyPolicy
from dpgate.model.rule import Rule
from dpgate.policy.builtin import BUILTIN
from dpgate.policy.cel.source import Fault, Options, RuleError, Source, Verdict
from dpgate.policy.enforcement import decide

if TYPE_CHECKING:
    from dpgate.policy.cel.compile import Program
    from dpgate.policy.cel.evaluate import Scene


@dataclass(frozen=True, kw_only=True)
class Bound:
    """A rule where it is in force."""

    rule: Rule
    loaded: Loaded
    """The document that brings it."""
    path: tuple[str | int, ...]
    """Where that document holds it: ("spec", "rules", 3)."""
    origin: Literal["policy", "dataset", "catalogue", "approvals"] = "policy"
    """`approvals`: no rule, but the condition of an approval, written as one."""
    options: Mapping[str, object] = field(default_factory=dict)
    """Values of the options of a rule of the catalogue."""
    types: Options = ()
    """Names and types of those options: (("at_most", "double"),)."""
    page: str = ""
    """Where a rule of the catalogue is documented."""

    @property
    def source(self) -> Source:
        """The rule as judging needs it."""
        rule = self.rule
        early = self.origin == "approvals"
        return Source(rule.id, rule.when, rule.assert_, rule.message, self.types, early)


def rules_of(policy_file: Loaded) -> tuple[Bound, ...]:
    """The rules that a policy brings, in its order: its own, and those of the catalogue."""
    policy = cast("PrivacyPolicy", policy_file.document)
    own = tuple(
        Bound(rule=rule, loaded=policy_file, path=("spec", "rules", number))
        for number, rule in enumerate(policy.spec.rules)
    )
    return (*own, *_switched_on(policy_file, policy)) if policy.spec.catalogue else own


def _switched_on(policy_file: Loaded, policy: PrivacyPolicy) -> Iterator[Bound]:
    """Rules of the catalogue, with the options and the enforcement that the policy chose."""
    from dpgate.loading.catalogue.choose import active

    for each in active(policy.spec):
        yield Bound(
            rule=each.rule,
            loaded=policy_file,
            path=("spec", "catalogue", each.rule.id),
            origin="catalogue",
            options=each.options,
            types=each.types,
            page=each.page,
        )


def rules_for(policy_file: Loaded, dataset_file: Loaded) -> tuple[Bound, ...]:
    """The rules that releases of a dataset are held against: the organization's, and its own."""
    dataset = cast("Dataset", dataset_file.document)
    own = (
        Bound(rule=rule, loaded=dataset_file, path=("spec", "rules", number), origin="dataset")
        for number, rule in enumerate(dataset.spec.rules)
    )
    return (*rules_of(policy_file), *own)


def conditions_of(policy_file: Loaded) -> tuple[Bound, ...]:
    """The conditions of approvals that are written in CEL; they need only be fit for use."""
    policy = cast("PrivacyPolicy", policy_file.document)
    return tuple(
        Bound(
            rule=Rule.model_construct(
                id=f"approvals-{number}",
                title="When an approval is needed",
                when=each.when,
                assert_="true",
                message="needed",
            ),
            loaded=policy_file,
            path=("spec", "approvals", number),
            origin="approvals",
        )
        for number, each in enumerate(policy.spec.approvals)
        if isinstance(each.when, str)
    )


def problems(bounds: Iterable[Bound]) -> tuple[Problem, ...]:
    """Everything that keeps rules from being used, at its place."""
    from dpgate.policy.cel.compile import compile_rule

    chosen = tuple(bounds)
    found = list(taken(chosen))
    for bound in chosen:
        try:
            compile_rule(bound.source)
        except RuleError as error:
            found += [problem_of(bound, fault) for fault in error.faults]
    return tuple(found)


def taken(bounds: Iterable[Bound]) -> tuple[Problem, ...]:
    """Rules under the name of another: findings would not tell them apart.

    A dataset's rule cannot have the name of one of the organization's, nor anybody's that of a
    built-in one.
    """
    chosen = tuple(bounds)
    organization = {bound.rule.id: bound for bound in chosen if bound.origin != "dataset"}
    found: dict[Problem, None] = {}
    for bound in chosen:
        other = organization.get(bound.rule.id) if bound.origin == "dataset" else None
        message = ""
        if bound.rule.id in BUILTIN:
            message = "there is a built-in rule of this name"
        elif other is not None:
            message = f"the organization has a rule of this name ({_place(other)})"
        if message:
            told, at = f"rule {bound.rule.id}: {message}", (*bound.path, "id")
            found[problem(bound.loaded, at, told, "give it another name")] = None
    return tuple(found)


def _place(bound: Bound) -> str:
    """Where a rule begins, as `file:line:column`."""
    keys, path = bound.loaded.parsed.keys, bound.path
    line, column = keys.get(path) or bound.loaded.at(*path, "id")
    return f"{bound.loaded.file}:{line}:{column}"


def problem_of(bound: Bound, fault: Fault) -> Problem:
    """A fault of a rule, at its line and column."""
    path, loaded = (*bound.path, fault.key), bound.loaded
    line, column = loaded.at(*path)
    if path in loaded.parsed.positions:
        line, column = within(loaded.text, (line, column), fault.offset)
    return Problem(
        file=loaded.file,
        line=line,
        column=column,
        message=f"{_named(bound)}, {fault.key}: {fault.message}",
        fix=fault.fix,
    )


def _named(bound: Bound) -> str:
    return "approvals" if bound.origin == "approvals" else f"rule {bound.rule.id}"


def faulty(
    bounds: Iterable[Bound], numbers: Mapping[Source, int], faults: Iterable[tuple[int, Fault]]
) -> tuple[Problem, ...]:
    """Faults of rules that were compiled apart, once for each document that a rule stands in.

    Args:
        bounds: the rules.
        numbers: under which each was compiled.
        faults: what is wrong with them, by number.
    """
    chosen, found = tuple(bounds), tuple(faults)
    made = {
        problem_of(bound, fault)
        for bound in chosen
        for number, fault in found
        if number == numbers[bound.source]
    }
    return tuple(sorted(made, key=lambda each: (each.file, each.line, each.column)))


def usable(bounds: Iterable[Bound]) -> None:
    """Raise where rules cannot be used.

    Raises:
        DocumentError: every fault at its place.
    """
    programs(bounds)


def programs(bounds: Iterable[Bound]) -> tuple[tuple[Bound, Program], ...]:
    """Rules that can be judged by.

    Raises:
        DocumentError: some cannot; lists every fault at its place.
    """
    chosen = tuple(bounds)
    if not chosen:
        return ()
    from dpgate.policy.cel.compile import compile_rule

    faults = problems(chosen)
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
            found.append(finding(bound, verdict, release_file, dataset_file, waivers))
    return tuple(found)


def finding(
    bound: Bound,
    verdict: Verdict,
    release_file: Loaded,
    dataset_file: Loaded,
    waivers: Mapping[str, str] | None = None,
) -> Finding:
    """What a rule found, at the key that it names."""
    rule, error = bound.rule, verdict.outcome == "error"
    at = rule.at.split(".") if rule.at else []
    loaded = release_file
    if at[:1] == ["dataset"] and len(at) > 1:
        loaded, at = dataset_file, at[1:]
    line, column = loaded.at("spec", *(int(key) if key.isdigit() else key for key in at))
    made = Finding(
        rule=rule.id,
        level="deny",
        message=f"could not be evaluated: {verdict.message}" if error else verdict.message,
        fix=_REPAIR if error else rule.help or _ASK,
        file=loaded.file,
        line=line,
        column=column,
        enforcement=rule.enforcement,
        outcome="error" if error else "violated",
        help=bound.page or rule.help or "",
    )
    return decide(made, waivers)


def ended(why: str, release_file: Loaded) -> Finding:
    """That the rules could not be judged at all."""
    line, column = release_file.at("spec")
    return Finding(
        rule="rules-ended",
        level="deny",
        message=f"the rules of the work tree were not judged: {why}",
        fix="find the rule that takes so much: a list within lists, text that doubles",
        file=release_file.file,
        line=line,
        column=column,
        outcome="error",
    )


_ASK = "change the manifest so that the rule holds, or ask those who own the policy"
_REPAIR = (
    "the rule must be mended in the policy: guard what may be missing with `in`, has() or size()"
)
