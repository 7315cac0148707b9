"""One attempt after it was paid for: measure, synthesize, evidence, gate, stage."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Required, TypedDict

from dpgate.errors import DpgateError, SynthesisError
from dpgate.evidence import card, disclosure, thresholds
from dpgate.evidence.disclosure import Result
from dpgate.gate.costing import Cost
from dpgate.gate.product import Bench, Made, Progress
from dpgate.gate.staging import SEALED, Attempted, Run
from dpgate.gate.workspace import Case
from dpgate.mechanisms.session import Mechanisms
from dpgate.model.policy import PrivacyPolicy
from dpgate.model.record import Artifact, Claim
from dpgate.model.values import plain, plus_bits
from dpgate.policy.facts import required_evidence
from dpgate.sources.open import open_halves, open_source, open_tables
from dpgate.synthesis.output import files

if TYPE_CHECKING:
    from dpgate.sources.interface import MarginalSource, RowSource
    from dpgate.synthesis.output.files import Written


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
            bench = bench_of(case, cost, source_uri, run, stewards(policy), progress)
            return _staged(case, policy, cost, cost.product.make(bench), bench)
    except DpgateError:
        raise
    except Exception as error:  # noqa: BLE001 - no private value may leave in a traceback
        raise SynthesisError(
            f"the attempt failed inside ({type(error).__name__}); its cost is spent",
            fix="details are withheld, since they could hold private values; reproduce it on public data",
        ) from None


class _Sources(TypedDict, total=False):
    source: Required[MarginalSource]
    rows: MarginalSource
    holdout: RowSource


def bench_of(
    case: Case,
    cost: Cost,
    source_uri: str,
    run: Run,
    recipients: tuple[str, ...],
    progress: Progress,
) -> Bench:
    """What a product is made with: the opened data, and the mechanisms that were paid for.

    Args:
        case: manifest and dataset.
        cost: the events that can run.
        source_uri: where the data is.
        run: the attempt's folder.
        recipients: of restricted evidence; none: it is not made.
        progress: told about stages and fractions, both public.

    Privacy:
        Opens private data, or a stand-in for it; nothing is read before it is counted.
    """
    return Bench(
        events=cost.events,
        **_opened(case, source_uri, run),
        mechanisms=Mechanisms(cost.events, cost.claim.relation),
        run=run,
        recipients=recipients,
        progress=progress,
    )


def _opened(case: Case, uri: str, run: Run) -> _Sources:
    """The source; and that of the second table, or a holdout, if there is one."""
    columns, made, folder = case.release.spec.columns, case.release.spec.synthesize, run.folder
    threats = case.release.spec.threat_model
    if case.dataset.spec.joined is not None:
        context = made.joined.context if made and made.joined else ()
        pair = open_tables(uri, case.dataset, columns, context, folder)
        return {"source": pair.persons, "rows": pair.rows}
    if threats is None:
        return {"source": open_source(uri, case.dataset, columns, folder)}
    key = run.checkpoints.holdout if run.checkpoints else None
    halves = open_halves(uri, case.dataset, columns, threats.holdout, folder, key)
    return {"source": halves.members, "holdout": halves.holdout}


def judged(
    case: Case, policy: PrivacyPolicy, results: Sequence[Result]
) -> tuple[thresholds.Outcome, ...]:
    """What the gate says: every threshold of the manifest, every requirement of the policy."""
    return thresholds.judge(
        results,
        thresholds.limits_of(case.release.spec),
        required_evidence(policy, case.release),
        policy.spec.evidence.restricted_gates,
    )


def stewards(policy: PrivacyPolicy) -> tuple[str, ...]:
    """Everybody whom restricted evidence is encrypted to."""
    return tuple(recipient for role in policy.spec.roles.values() for recipient in role.encrypt_to)


def _staged(case: Case, policy: PrivacyPolicy, cost: Cost, made: Made, bench: Bench) -> Attempted:
    results = made.results
    outcomes = judged(case, policy, results)
    failures = tuple(outcome.message for outcome in outcomes if not outcome)
    evidence = disclosure.records(results, cost.events)
    ciphertexts = dict.fromkeys(
        result.ciphertext for result in results if isinstance(result, disclosure.RestrictedResult)
    )
    sealed = tuple(Artifact(name=SEALED, sha256=each, sealed=True) for each in ciphertexts)
    if failures:
        return Attempted(
            outcome="gate-failed", evidence=evidence, artifacts=sealed, failures=failures
        )
    bench.progress("stage", 0.0)
    written = _written(case, policy, cost, made, bench.run)
    artifacts = tuple(Artifact(name=file.name, sha256=file.sha256) for file in written)
    return Attempted(
        outcome="released", evidence=evidence, artifacts=artifacts + sealed, failures=()
    )


def _written(case: Case, policy: PrivacyPolicy, cost: Cost, made: Made, run: Run) -> list[Written]:
    """The files of the release: the product's own, and its card."""
    stamp = stamp_of(case, cost.claim, cost.product.maker, run.reserve)
    written = made.write(run.staging, stamp)
    body, text = card.card(
        case.release,
        case.dataset,
        cost.claim.model_dump(),
        made.results,
        facts=made.facts,
        policy_delta=policy.spec.accounting.delta,
        waivers=case.waivers,
    )
    told = {"card.json": body, "card.md": text.encode(), **_page(case, policy, cost, made)}
    return written + [files.write_text(run.staging, name, data) for name, data in told.items()]


def _page(case: Case, policy: PrivacyPolicy, cost: Cost, made: Made) -> dict[str, bytes]:
    """Evidence as data and as a page; statistics state their own accuracy on the card."""
    if not made.tables:
        return {}
    from dpgate.evidence import describe
    from dpgate.evidence.page.write import files as pages

    told = describe.Told(
        name=case.name,
        dataset=case.dataset,
        release=case.release,
        claim=cost.claim,
        policy_delta=policy.spec.accounting.delta,
        maker=cost.product.maker,
        results=made.results,
        charged=cost.whole,
        outcome="released",
    )
    return pages(describe.of_release(told, made.tables))


def stamp_of(case: Case, claim: Claim, maker: str, record: str) -> dict[str, str]:
    """Facts about a release that its files carry; `record` is the digest of its reservation."""
    return {
        "release": case.name,
        "record": record,
        "manifest": case.release_file.digest,
        "epsilon": plain(claim.epsilon) + plus_bits(claim.unprotected_bits),
        "delta": plain(claim.delta),
        "relation": claim.relation,
        "unit": claim.unit,
        "synthesizer": maker,
    }
