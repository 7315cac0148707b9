"""`recommend`: from a desired quality to ε, synthesizer and bins, without touching data.

Everything follows from public documents: the domains, the bound on rows, the policy, and the
ledger's sums. What a synthesizer would measure is planned as for a real release, and the smallest ε is
found at which the noise of those tables meets the goal. Model error depends on the data, so no figure
includes it; noise is what can be promised beforehand.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path

from dpgate.accounting.rounding import significant_up
from dpgate.errors import DpgateError, UndecidedError, UsageError
from dpgate.gate import budgets, check, noise
from dpgate.gate.advice import draft, fewer_bins, suitable_delta
from dpgate.gate.costing import Cost, cost_of, spend_at, zero_concentrated
from dpgate.gate.recommendation import Candidate, ColumnAdvice, Goal, RecommendResult
from dpgate.gate.results import NoiseRow, ScopeRow
from dpgate.gate.search import Aim, reached_at, smallest
from dpgate.gate.standing import open_standing
from dpgate.gate.suitable import allowed
from dpgate.gate.weigh import shortfalls
from dpgate.gate.workspace import Case, Workspace, now, policy_of, workspace
from dpgate.loading.documents import Loaded, load
from dpgate.model.columns import DomainColumn
from dpgate.model.dataset import Dataset
from dpgate.model.domain import domain_of
from dpgate.model.finding import Finding
from dpgate.model.policy import PrivacyPolicy
from dpgate.model.values import plain
from dpgate.policy.facts import clock, facts_of
from dpgate.policy.limits import class_epsilon, too_high
from dpgate.policy.scopes import Tally
from dpgate.synthesis import interface, registry
from dpgate.synthesis.interface import Task


@dataclass(frozen=True, kw_only=True)
class _Where:
    """What the repository says."""

    space: Workspace
    policy_file: Loaded
    dataset: Dataset
    name: str
    past: budgets.Spent
    budget_note: str

    @property
    def policy(self) -> PrivacyPolicy:
        """The policy to judge by."""
        return policy_of(self.policy_file)


def recommend(
    dataset: str,
    repo: Path | str = ".",
    *,
    columns: Sequence[str] = (),
    target_tvd: Decimal | None = None,
    noise_at_most: Decimal | None = None,
    order: int = 2,
    rows: int | None = None,
    synthesizer: str | None = None,
) -> RecommendResult:
    """Recommend a manifest for a dataset; no data is touched and no remote contacted.

    Args:
        dataset: name of a dataset of the repository.
        repo: a release repository, or a folder in it.
        columns: columns to release, at least two; all that can be if empty.
        target_tvd: goal: expected total variation distance by noise, averaged over all marginals of
            `order`, in (0, 1). 0.05 if no goal is given.
        noise_at_most: goal instead: 95 % noise of an average cell relative to the count that it is
            expected to hold, above 0.
        order: columns of the marginals that the goal is about, 1 or 2.
        rows: how many rows to assume, a public number; the dataset's public bound if None.
        synthesizer: only this one; the one that needs the least ε if None.

    Returns:
        ε, synthesizer, bins, budgets, a manifest, and the figures they rest on.

    Raises:
        UsageError: there is no such dataset or column, or a goal is out of range.
        LedgerError: this clone's ledger does not hold together.

    Privacy:
        Reads public documents and the ledger alone.
    """
    where = _where(Path(repo), dataset)
    names = _columns(where.dataset, columns)
    spec = where.dataset.spec
    bound, together = spec.rows.at_most, spec.unit.rows_together
    if rows is not None and not 1 <= rows <= bound:
        raise UsageError(f"rows is a number from 1 to {bound}, the public bound, not {rows}")
    rows = rows or bound
    aim = Aim.of(target_tvd, noise_at_most, order=order, rows=rows, together=together)
    delta = suitable_delta(where.policy, where.dataset)
    task = _task(where.dataset, names, bound)
    candidates = _candidates(where, task, aim, delta, synthesizer)
    return _result(where, task, aim, delta, candidates)


def _where(repo: Path, dataset: str) -> _Where:
    space = workspace(repo)
    name = dataset.strip("/").removeprefix("releases/").removesuffix("/dataset.yaml")
    loaded = space.documents.datasets.get(name)
    if loaded is None or not isinstance(loaded.document, Dataset):
        known = ", ".join(space.documents.datasets) or "none"
        raise UsageError(f"no dataset releases/{name}/dataset.yaml", fix=f"known: {known}")
    try:
        standing = open_standing(space, offline=True)
    except (UndecidedError, UsageError) as error:
        policy = policy_of(space.policy_file)
        note = f"no ledger is known here ({error.message}), so nothing counts as spent"
        past: budgets.Spent = Tally(policy.spec.accounting.orders)
        return _Where(
            space=space,
            policy_file=space.policy_file,
            dataset=loaded.document,
            name=name,
            past=past,
            budget_note=note,
        )
    return _Where(
        space=space,
        policy_file=standing.policy_file,
        dataset=loaded.document,
        name=name,
        past=standing.past,
        budget_note="by the ledger as this clone last fetched it",
    )


def _columns(dataset: Dataset, asked: Sequence[str]) -> tuple[str, ...]:
    if dataset.spec.joined is not None:
        raise UsageError(
            f"{dataset.metadata.name} has two tables, and a recommendation is about one",
            fix="write a manifest as docs/tables.md shows, and let dpgate plan tell its noise",
        )
    known = [
        name for name, column in dataset.spec.columns.items() if isinstance(column, DomainColumn)
    ]
    odd = [name for name in asked if name not in known]
    if odd:
        raise UsageError(
            f"{odd[0]} is no column of {dataset.metadata.name} that can be released",
            fix="columns: " + ", ".join(known),
        )
    names = tuple(dict.fromkeys(asked)) or tuple(known)
    if len(names) < 2:
        raise UsageError("a release has at least two columns", fix="columns: " + ", ".join(known))
    return names


def _task(dataset: Dataset, names: tuple[str, ...], rows: int) -> Task:
    return Task(domain=domain_of(dataset, names), relation=dataset.spec.neighboring, rows=rows)


def _candidates(
    where: _Where, task: Task, aim: Aim, delta: Decimal, only: str | None
) -> tuple[Candidate, ...]:
    """Every synthesizer that the policy allows for all of these columns, or the one asked for."""
    tried = [only] if only else allowed(where.policy, where.dataset, task.domain.names)
    return tuple(_candidate(name, task, aim, delta) for name in tried)


def _candidate(name: str, task: Task, aim: Aim, delta: Decimal) -> Candidate:
    try:
        found = smallest(registry.get(name), task, aim, delta)
    except DpgateError as error:
        return Candidate(synthesizer=name, epsilon=None, measures=(), reason=error.message)
    return Candidate(
        synthesizer=name, epsilon=found.epsilon, measures=found.measures, reason=found.reason
    )


def _best(candidates: tuple[Candidate, ...]) -> Candidate | None:
    """The one that needs the least ε; of equals the first by name."""
    able = [c for c in candidates if c.epsilon is not None]
    return min(able, key=lambda c: c.epsilon or Decimal(0)) if able else None


def _result(
    where: _Where, task: Task, aim: Aim, delta: Decimal, candidates: tuple[Candidate, ...]
) -> RecommendResult:
    best, names = _best(candidates), task.domain.names
    case, cost = (None, None) if best is None else _planned(where, names, best, aim, delta)
    rows = registry.get(best.synthesizer).noise(task, cost.events) if best and cost else ()
    advice = _advice(where.dataset, task, aim, rows)
    findings, scopes = _findings(where, case, cost), _scopes(where, case, cost)
    denied = any(finding.level == "deny" for finding in findings)
    allowed = case is not None and not denied and all(row.fits for row in scopes)
    fits = _fitting(where, case) if case and not allowed else None
    goal: Goal = "tvd" if aim.relative_to_rows else "noise"
    return RecommendResult(
        dataset=where.name,
        population=where.dataset.spec.population,
        unit=where.dataset.spec.unit.row,
        relation=task.relation,
        rows=aim.rows,
        rows_at_most=where.dataset.spec.rows.at_most,
        goal=goal,
        order=aim.order,
        at_most=aim.at_most,
        columns=advice,
        candidates=candidates,
        synthesizer=best.synthesizer if best else "",
        epsilon=best.epsilon if best else None,
        delta=delta,
        reached=aim.reached(task.domain, rows) or Decimal(0),
        allowed=allowed,
        fits=fits,
        fits_reached=None if not fits or best is None else _at(best, task, aim, fits, delta),
        epsilon_with_bins=_with_bins(where.dataset, names, advice, aim, delta, best),
        noise=tuple(
            NoiseRow(order=r.order, half_width=Decimal(str(round(r.half_width, 1)))) for r in rows
        ),
        marginals=noise.marginals(task.domain, rows, aim.rows),
        scopes=scopes,
        scopes_delta=where.policy.spec.accounting.delta,
        budget_note=where.budget_note,
        findings=findings,
        manifest=case.release_file.text if case else "",
        next=_next(where.name, case),
    )


def _planned(
    where: _Where, names: tuple[str, ...], best: Candidate, aim: Aim, delta: Decimal
) -> tuple[Case, Cost]:
    """The manifest, read and planned like any other."""
    text = draft(
        where.policy, where.dataset, names, best, rows=aim.rows, delta=delta, today=now().date()
    )
    place = f"releases/{where.name}/recommended/release.yaml"
    dataset_file = where.space.documents.datasets[where.name]
    case = Case(f"{where.name}/recommended", dataset_file, load(place, text.encode()))
    return case, cost_of(where.policy, case)


def _advice(
    dataset: Dataset, task: Task, aim: Aim, rows: Sequence[interface.NoiseRow]
) -> tuple[ColumnAdvice, ...]:
    sizes = task.domain.sizes
    sigma = aim.sigma(rows)
    found = []
    for place, name in enumerate(task.domain.names):
        others = [size for other, size in enumerate(sizes) if other != place]
        beside = statistics.median(others) if aim.order > 1 else 1
        bins = fewer_bins(dataset.spec.columns[name], sizes[place], aim.rows / beside, sigma)
        found.append(
            ColumnAdvice(
                name=name,
                type=dataset.spec.columns[name].type,
                cells=sizes[place],
                expected=Decimal(
                    plain(significant_up(Decimal(aim.rows / (sizes[place] * beside)), 3))
                ),
                bins=bins,
            )
        )
    return tuple(found)


def _with_bins(
    dataset: Dataset,
    names: tuple[str, ...],
    advice: tuple[ColumnAdvice, ...],
    aim: Aim,
    delta: Decimal,
    best: Candidate | None,
) -> Decimal | None:
    """ε that would be enough with the bins that are advised."""
    fewer = {row.name: row.bins for row in advice if row.bins}
    if best is None or not fewer:
        return None
    columns = dict(dataset.spec.columns)
    for name, bins in fewer.items():
        column = columns[name]
        domain = column.domain.model_copy(update={"bins": bins})  # type: ignore[union-attr]
        columns[name] = column.model_copy(update={"domain": domain})
    spec = dataset.spec.model_copy(update={"columns": columns})
    coarser = _task(dataset.model_copy(update={"spec": spec}), names, dataset.spec.rows.at_most)
    return _candidate(best.synthesizer, coarser, aim, delta).epsilon


def _findings(where: _Where, case: Case | None, cost: Cost | None) -> tuple[Finding, ...]:
    if case is None or cost is None:
        return ()
    today = clock(where.policy, now()).day
    above = too_high(where.policy_file, case.dataset_file)
    return check.judge(case, where.policy, today) + above + shortfalls(case, cost)


def _scopes(where: _Where, case: Case | None, cost: Cost | None) -> tuple[ScopeRow, ...]:
    if case is None or cost is None:
        return ()
    facts = facts_of(case.dataset, case.release)
    if any(name not in where.policy.spec.populations for name in facts.populations):
        return ()
    hour = clock(where.policy, now()).hour
    limits = case.dataset.spec.limits
    return budgets.rows(where.policy, facts, hour, limits, where.past, cost.spend)


def _fitting(where: _Where, case: Case) -> Decimal:
    """The highest ε that the classes of the columns and every budget leave."""
    columns, limits = case.dataset.spec.columns, case.dataset.spec.limits
    classes = {columns[name].sensitivity for name in case.release.spec.columns}
    most = [
        class_epsilon(where.policy, case.dataset, name).value
        for name in sorted(classes & set(where.policy.spec.classes))
    ]
    facts, privacy = facts_of(case.dataset, case.release), case.release.spec.privacy
    if any(name not in where.policy.spec.populations for name in facts.populations):
        return Decimal(0)
    asked = privacy.model_copy(update={"epsilon": min((privacy.epsilon, *most))})
    hour = clock(where.policy, now()).hour
    spend = partial(spend_at, where.policy, case)
    return budgets.fitting_epsilon(
        where.policy, facts, hour, limits, where.past, spend, asked,
        zero_concentrated=zero_concentrated(case),
    )  # fmt: skip


def _at(best: Candidate, task: Task, aim: Aim, epsilon: Decimal, delta: Decimal) -> Decimal | None:
    """The measure of the goal at another ε."""
    return reached_at(registry.get(best.synthesizer), task, aim, epsilon, delta)


def _next(name: str, case: Case | None) -> str:
    if case is None:
        return "ask for less: a higher goal, fewer columns, fewer bins, or --order 1"
    return (
        f"paste the manifest into releases/{name}/NAME/release.yaml, set name, purpose, recipients, regions "
        f"and your own threshold, then: dpgate plan {name}/NAME"
    )
