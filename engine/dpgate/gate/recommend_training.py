"""`recommend --quality`: a training filled in for a synthesizer that trains a network, without touching data.

No noise of a table says how well a network learns, so no goal can be turned into an ε: it is given, or the
highest that classes and budgets leave. Steps, batch and widths follow from the quality, the public bound on rows, the
cells of the columns, and (ε, δ); everything is then planned and judged as any other manifest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from dpgate.accounting import calibrate
from dpgate.accounting.rounding import significant_up
from dpgate.errors import DpgateError, UsageError
from dpgate.gate.advice import draft, suitable_delta
from dpgate.gate.check import placed
from dpgate.gate.costing import Cost, cost_of, product_of, row_budget
from dpgate.gate.measured import on_adult
from dpgate.gate.product import Shortfall
from dpgate.gate.quality import QUALITIES, Choice, Quality, choose
from dpgate.gate.recommend_ground import Ground
from dpgate.gate.recommendation import Candidate, TrainingNumbers, TrainingRecommendation
from dpgate.gate.search import EPSILON_AT_MOST
from dpgate.gate.suitable import trainer
from dpgate.gate.synthetic import Synthetic
from dpgate.gate.training import Trains
from dpgate.gate.workspace import Case, now
from dpgate.model.finding import Finding
from dpgate.model.training import Training
from dpgate.synthesis.gan.plan import noise_to_signal
from dpgate.synthesis.interface import PlansWithin

_ROUNDS = 3
"""Times that ε is fitted to budgets and the training to ε, each of which moves the other a little."""


@dataclass(frozen=True, kw_only=True)
class _Wish:
    """What is to be recommended."""

    ground: Ground
    columns: tuple[str, ...]
    rows: int
    delta: Decimal
    synthesizer: str
    quality: Quality

    def case(self, epsilon: Decimal, training: Training | None = None) -> Case:
        """The manifest, read like any other."""
        candidate = Candidate(synthesizer=self.synthesizer, epsilon=epsilon, measures=(), reason="")
        text = draft(
            self.ground.policy, self.ground.dataset, self.columns, candidate,
            rows=self.rows, delta=self.delta, today=now().date(), training=training,
        )  # fmt: skip
        return self.ground.case(text)


@dataclass(frozen=True, kw_only=True)
class _Planned:
    """A manifest with its training, and its cost or why there is none."""

    case: Case
    choice: Choice
    cost: Cost | None
    findings: tuple[Finding, ...]


def recommend_training(
    dataset: str,
    repo: Path | str = ".",
    *,
    quality: Quality = "balanced",
    epsilon: Decimal | None = None,
    columns: Sequence[str] = (),
    rows: int | None = None,
    synthesizer: str | None = None,
) -> TrainingRecommendation:
    """Recommend a manifest that trains a network; no data is touched and no remote contacted.

    Args:
        dataset: name of a dataset of the repository.
        repo: a release repository, or a folder in it.
        quality: `fast`, `balanced` (what a synthesizer chooses by itself) or `high`.
        epsilon: ε of the release, above 0; the highest that classes and budgets leave if None.
        columns: columns to release, at least two; all that can be if empty.
        rows: rows out; the dataset's public bound if None.
        synthesizer: one that trains; of those that the policy allows `dp-tvae` first if None.

    Returns:
        Steps, batch and widths, what they cost and leave to learn, budgets, and a manifest.

    Raises:
        UsageError: there is no such dataset, column or quality, or the synthesizer trains nothing.
        LedgerError: this clone's ledger does not hold together.

    Privacy:
        Reads public documents and the ledger alone.
    """
    if quality not in QUALITIES:
        raise UsageError(f"quality is one of {', '.join(QUALITIES)}, not {quality}")
    if epsilon is not None and not 0 < epsilon <= EPSILON_AT_MOST:
        raise UsageError(f"epsilon is a number above 0, up to {EPSILON_AT_MOST}, not {epsilon}")
    ground = Ground.of(Path(repo), dataset)
    names = ground.columns(columns)
    maker, why = trainer(ground.policy, ground.dataset, names, synthesizer)
    wish = _Wish(
        ground=ground, columns=names, rows=ground.rows(rows), synthesizer=maker, quality=quality,
        delta=suitable_delta(ground.policy, ground.dataset),
    )  # fmt: skip
    if epsilon is not None:
        return _result(wish, _planned(wish, epsilon), why, "")
    highest, note = _highest(wish)
    return _result(wish, _planned(wish, highest), why, note)


def _highest(wish: _Wish) -> tuple[Decimal, str]:
    """The highest ε that is left, which the training that is chosen for it moves a little; and words for it."""
    found = Decimal(EPSILON_AT_MOST)
    for _ in range(_ROUNDS):
        planned = _planned(wish, found)
        if planned.cost is None:
            return Decimal(1), "it cannot be trained at any ε; told at 1"
        less = wish.ground.fitting(planned.case)
        if not less:
            return Decimal(1), "classes of columns and budgets leave none; told at 1"
        if less == found:
            break
        found = less
    return found, "the highest that classes of columns and budgets leave"


def _planned(wish: _Wish, epsilon: Decimal) -> _Planned:
    """The manifest at an ε; what cannot be planned is a finding that says why, as `check` has it."""
    open_case = wish.case(epsilon)
    try:
        choice = _chosen(wish, open_case)
        case = wish.case(epsilon, choice.training)
        cost = cost_of(wish.ground.policy, case)
    except DpgateError as error:
        failed = Shortfall(
            rule="planning", message=error.message, fix=error.fix, path=("synthesize", "with")
        )
        judged = wish.ground.judged(open_case) + placed(open_case, (failed,))
        nothing = Choice(training=Training(), reasons=())
        return _Planned(case=open_case, choice=nothing, cost=None, findings=judged)
    return _Planned(case=case, choice=choice, cost=cost, findings=wish.ground.findings(case, cost))


def _chosen(wish: _Wish, case: Case) -> Choice:
    product, privacy = product_of(case), case.release.spec.privacy
    assert isinstance(product, Synthetic)  # noqa: S101 - a draft of one table
    assert isinstance(product.synthesizer, PlansWithin)  # noqa: S101 - it trains
    budget = row_budget(case, calibrate.budget_for(privacy.epsilon, privacy.delta))
    return choose(product.synthesizer, product.task, wish.quality, budget, product.measured(budget))


def _result(wish: _Wish, planned: _Planned, why: str, note: str) -> TrainingRecommendation:
    ground, case, cost = wish.ground, planned.case, planned.cost
    spec, product = ground.dataset.spec, product_of(case)
    assert isinstance(product, Synthetic)  # noqa: S101 - a draft of one table
    scopes = ground.scopes(case, cost)
    denied = any(finding.level == "deny" for finding in planned.findings)
    let = cost is not None and not denied and all(row.fits for row in scopes)
    return TrainingRecommendation(
        dataset=ground.name,
        population=spec.population,
        unit=spec.unit.row,
        relation=spec.neighboring,
        rows=wish.rows,
        rows_at_most=spec.rows.at_most,
        columns=wish.columns,
        cells=sum(product.task.domain.sizes),
        synthesizer=wish.synthesizer,
        why=why,
        quality=wish.quality,
        asked=case.release.spec.privacy.epsilon,
        epsilon_note=note,
        delta=wish.delta,
        training=None if cost is None else _numbers(product, planned.choice.training, cost),
        reasons=planned.choice.reasons,
        summary="" if cost is None else cost.training,
        epsilon=None if cost is None else cost.claim.epsilon,
        on_adult=on_adult(wish.quality),
        allowed=let,
        fits=None if let or cost is None else ground.fitting(case),
        scopes=scopes,
        scopes_delta=ground.policy.spec.accounting.delta,
        budget_note=ground.budget_note,
        findings=planned.findings,
        manifest=case.release_file.text,
        next=_next(ground.name, cost),
    )


def _numbers(product: Synthetic, training: Training, cost: Cost) -> TrainingNumbers:
    maker, task = product.synthesizer, product.task
    assert isinstance(maker, Trains)  # noqa: S101 - the wish saw to it
    made, trained = maker.recipe(task), maker.trained(task)
    event = next(event for event in cost.events if event.name == maker.training)
    bound = Decimal(task.rows_at_most or 1)
    return TrainingNumbers(
        steps=made.steps,
        batch=made.batch,
        records=made.records,
        rate=made.rate,
        passes=significant_up(made.steps * made.batch / bound, 2),
        width=made.width,
        latent=made.latent,
        learning_rate=training.learning_rate or Decimal(str(made.learning_rate)),
        clip=training.clip,
        noise_multiplier=event.scale,
        weights=trained,
        noise_to_signal=significant_up(Decimal(noise_to_signal(event, made, trained)), 2),
    )


def _next(name: str, cost: Cost | None) -> str:
    if cost is None:
        return "synthesize with mst or aim: dpgate recommend " + name
    return (
        f"paste the manifest into releases/{name}/NAME/release.yaml, set name, purpose, recipients, regions "
        f"and your own threshold, then: dpgate plan {name}/NAME"
    )
