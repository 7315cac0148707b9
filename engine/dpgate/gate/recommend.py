"""`recommend`: from a desired quality to ε, synthesizer and bins, without touching data.

Everything follows from public documents: the domains, the bound on rows, the policy, and the
ledger's sums. What a synthesizer would measure is planned as for a real release, and the smallest ε is
found at which the noise of those tables meets the goal. Model error depends on the data, so no figure
includes it; noise is what can be promised beforehand.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from dpgate.accounting.rounding import significant_up
from dpgate.errors import DpgateError
from dpgate.gate import noise
from dpgate.gate.advice import draft, fewer_bins, suitable_delta
from dpgate.gate.costing import Cost, cost_of
from dpgate.gate.recommend_ground import Ground
from dpgate.gate.recommendation import Candidate, ColumnAdvice, Goal, RecommendResult
from dpgate.gate.results import NoiseRow
from dpgate.gate.search import Aim, reached_at, smallest
from dpgate.gate.suitable import allowed
from dpgate.gate.workspace import Case, now
from dpgate.model.dataset import Dataset
from dpgate.model.domain import domain_of
from dpgate.model.values import plain
from dpgate.synthesis import interface, registry
from dpgate.synthesis.interface import Task


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
    where = Ground.of(Path(repo), dataset)
    names, rows = where.columns(columns), where.rows(rows)
    bound, together = where.dataset.spec.rows.at_most, where.dataset.spec.unit.rows_together
    aim = Aim.of(target_tvd, noise_at_most, order=order, rows=rows, together=together)
    delta = suitable_delta(where.policy, where.dataset)
    task = _task(where.dataset, names, bound)
    candidates = _candidates(where, task, aim, delta, synthesizer)
    return _result(where, task, aim, delta, candidates)


def _task(dataset: Dataset, names: tuple[str, ...], rows: int) -> Task:
    return Task(domain=domain_of(dataset, names), relation=dataset.spec.neighboring, rows=rows)


def _candidates(
    where: Ground, task: Task, aim: Aim, delta: Decimal, only: str | None
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
    where: Ground, task: Task, aim: Aim, delta: Decimal, candidates: tuple[Candidate, ...]
) -> RecommendResult:
    best, names = _best(candidates), task.domain.names
    case, cost = (None, None) if best is None else _planned(where, names, best, aim, delta)
    rows = registry.get(best.synthesizer).noise(task, cost.events) if best and cost else ()
    advice = _advice(where.dataset, task, aim, rows)
    findings, scopes = where.findings(case, cost), where.scopes(case, cost)
    denied = any(finding.level == "deny" for finding in findings)
    allowed = case is not None and not denied and all(row.fits for row in scopes)
    fits = where.fitting(case) if case and not allowed else None
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
    where: Ground, names: tuple[str, ...], best: Candidate, aim: Aim, delta: Decimal
) -> tuple[Case, Cost]:
    """The manifest, read and planned like any other."""
    text = draft(
        where.policy, where.dataset, names, best, rows=aim.rows, delta=delta, today=now().date()
    )
    case = where.case(text)
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
