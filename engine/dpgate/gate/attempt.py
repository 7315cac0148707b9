"""One attempt after it was paid for: measure, synthesize, evidence, gate, stage."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

from dpgate.errors import DpgateError, SynthesisError
from dpgate.evidence import card, disclosure, restricted, schema, seal, thresholds, utility
from dpgate.evidence.disclosure import Result
from dpgate.gate.costing import Cost
from dpgate.gate.staging import SEALED, Attempted, Run
from dpgate.gate.workspace import Case
from dpgate.mechanisms.session import Mechanisms
from dpgate.model.policy import PrivacyPolicy
from dpgate.model.record import Artifact, Claim
from dpgate.model.values import plain
from dpgate.sources.open import open_source
from dpgate.synthesis.kept import formats
from dpgate.synthesis.output import files

if TYPE_CHECKING:
    import pyarrow as pa

    from dpgate.sources.interface import MarginalSource
    from dpgate.synthesis.interface import Model
    from dpgate.synthesis.output.files import Written

Progress = Callable[[str, float], None]


def attempt(
    case: Case, policy: PrivacyPolicy, cost: Cost, source_uri: str, run: Run, progress: Progress
) -> Attempted:
    """Open the data and make the release, as far as staging.

    Args:
        case: manifest and dataset.
        policy: the policy in force.
        cost: the events that were reserved; no others can run.
        source_uri: where the private data is.
        run: the attempt's folder.
        progress: told about stages and fractions, both public.

    Raises:
        SourceError: the data became unreadable. The message is fixed.
        SynthesisError: the synthesizer failed. The message names no value.

    Privacy:
        The only place that opens private data. Everything learned passes through `Mechanisms`,
        except restricted evidence, which is encrypted before it is written.
    """
    progress("open", 0.0)
    try:
        with warnings.catch_warnings():
            # Whether a library warns may depend on a row.
            warnings.simplefilter("ignore")
            source = open_source(source_uri, case.dataset, case.release.spec.columns, run.folder)
            mechanisms = Mechanisms(cost.events, cost.task.relation)
            model = cost.synthesizer.fit(cost.task, cost.events, source, mechanisms, progress)
            table = model.sample(cost.task.rows, progress)
            progress("evidence", 0.0)
            results = _evidence(cost, policy, source, table, model.total, mechanisms, run, progress)
            return _staged(case, policy, cost, (model, table), results, run, progress)
    except DpgateError:
        raise
    except Exception as error:  # noqa: BLE001 - no private value may leave in a traceback
        raise SynthesisError(
            f"the attempt failed inside ({type(error).__name__}); its cost is spent",
            fix="details are withheld, since they could hold private values; reproduce it on public data",
        ) from None


def _evidence(
    cost: Cost,
    policy: PrivacyPolicy,
    source: MarginalSource,
    table: pa.Table,
    total: float,
    mechanisms: Mechanisms,
    run: Run,
    progress: Progress,
) -> tuple[Result, ...]:
    results: list[Result] = [schema.conformity(table, cost.task.domain, cost.task.rows)]
    results += utility.measure(cost.task, cost.events, source, table, total, mechanisms, progress)
    recipients = stewards(policy)
    if recipients and cost.evidence_orders:
        exact = restricted.exact_tvd(cost.task, cost.evidence_orders, source, table, progress)
        sealed = seal.seal(exact, recipients)
        run.sealed.write_bytes(sealed.ciphertext)
        results.append(sealed.result(restricted.METRIC))
    return tuple(results)


def stewards(policy: PrivacyPolicy) -> tuple[str, ...]:
    """Everybody whom restricted evidence is encrypted to."""
    return tuple(recipient for role in policy.spec.roles.values() for recipient in role.encrypt_to)


def _staged(
    case: Case,
    policy: PrivacyPolicy,
    cost: Cost,
    made: tuple[Model, pa.Table],
    results: tuple[Result, ...],
    run: Run,
    progress: Progress,
) -> Attempted:
    outcomes = thresholds.judge(results, case.release.spec.utility, policy.spec.evidence.required)
    failures = tuple(outcome.message for outcome in outcomes if not outcome)
    evidence = disclosure.records(results, cost.events)
    sealed = tuple(
        Artifact(name=SEALED, sha256=result.ciphertext, sealed=True)
        for result in results
        if isinstance(result, disclosure.RestrictedResult)
    )
    if failures:
        return Attempted(
            outcome="gate-failed", evidence=evidence, artifacts=sealed, failures=failures
        )
    progress("stage", 0.0)
    written = _written(case, policy, cost, made, results, run)
    artifacts = tuple(Artifact(name=file.name, sha256=file.sha256) for file in written)
    return Attempted(
        outcome="released", evidence=evidence, artifacts=artifacts + sealed, failures=()
    )


def _written(
    case: Case,
    policy: PrivacyPolicy,
    cost: Cost,
    made: tuple[Model, pa.Table],
    results: tuple[Result, ...],
    run: Run,
) -> list[Written]:
    """The files of the release: rows, card, and the model if it is to be kept."""
    model, table = made
    synthesize = case.release.spec.synthesize
    stamp = stamp_of(case, cost.claim, run.reserve)
    written = files.write(table, run.staging, synthesize.formats, stamp)
    body, text = card.card(
        case.release,
        case.dataset,
        cost.claim.model_dump(),
        results,
        policy_delta=policy.spec.accounting.delta,
    )
    written += [
        files.write_text(run.staging, "card.json", body),
        files.write_text(run.staging, "card.md", text.encode()),
    ]
    if synthesize.keep_model:
        kept = formats.dump(model, stamp, cost.task.domain)
        written.append(files.write_text(run.staging, formats.NAME, kept))
    return written


def stamp_of(case: Case, claim: Claim, record: str) -> dict[str, str]:
    """Facts about a release that its files carry; `record` is the digest of its reservation."""
    return {
        "release": case.name,
        "record": record,
        "manifest": case.release_file.digest,
        "epsilon": plain(claim.epsilon),
        "delta": plain(claim.delta),
        "relation": claim.relation,
        "unit": claim.unit,
        "synthesizer": case.release.spec.synthesize.with_,
    }
