"""What a record says of a draw from a kept model, and how it is judged. Needs no numerics."""

from __future__ import annotations

from collections.abc import Sequence

from dpgate.errors import ChainError
from dpgate.gate.rederive import Judged
from dpgate.gate.synthetic import task_of
from dpgate.gate.workspace import Case
from dpgate.ledger.chain import Chain
from dpgate.loading.canonical import canonical, sha256
from dpgate.model.conditions import select, strata
from dpgate.model.domain import Domain
from dpgate.model.draw import Draw
from dpgate.model.policy import PrivacyPolicy
from dpgate.model.record import Sample, Settle
from dpgate.policy.facts import clock_of
from dpgate.synthesis.kept.formats import NAME

REQUEST = "sample.json"
"""File of a draw that says what was asked, from which model."""


def request(root: str | None, entry: Sample) -> bytes:
    """What was asked, as the file beside the rows says it.

    Its digest is settled with the others, so that files and recorded conditions hold together.
    """
    asked = entry.model_dump(
        mode="json", include={"nonce", "release", "settle", "model", "recipients", "draw"}
    )
    return canonical({"schema": "dpgate.draw/v1", "ledger": root, **asked}) + b"\n"


def kept_model(settle: Settle) -> str | None:
    """Digest of the model that a release kept, if it kept one."""
    return next((a.sha256 for a in settle.artifacts if a.name == NAME and not a.sealed), None)


def expired(case: Case, policy: PrivacyPolicy, hour: str) -> bool:
    """Whether recipients may no longer hold what the release gave them."""
    return clock_of(policy, hour).day > case.release.spec.retention.expires


def domain_of(case: Case) -> Domain:
    """Public cells of the columns that were modelled.

    Raises:
        ValueError: the release makes no rows.
    """
    synthesize = case.release.spec.synthesize
    if synthesize is None:
        raise ValueError(f"{case.name} makes no rows")
    return task_of(case, synthesize).domain


def answerable(draw: Draw, case: Case) -> None:
    """Raise unless a draw is about the release's columns and values.

    Raises:
        ValueError: it is not.
    """
    domain = domain_of(case)
    selections = select(draw.where, domain)
    if draw.balance is not None:
        strata(draw.balance, domain, selections)


def judge(chain: Chain, reserves: Sequence[Judged]) -> str:
    """Every draw is from the model of a release that stood, for its recipients, as its files say.

    That the release stood at that place was held when the chain was linked.

    Raises:
        ChainError: the first that is not.
    """
    paid = {each.link.digest: each for each in reserves}
    for link, entry in chain.samples:
        each = paid[entry.reserve]
        settled, settle = chain.settles[entry.reserve]
        if entry.settle != settled.digest or entry.model != kept_model(settle):
            raise ChainError(f"{link.path}: was not drawn from the model that its release kept")
        if entry.recipients != each.entry.facts.recipients:
            raise ChainError(f"{link.path}: names other recipients than its release")
        if any(artifact.sealed for artifact in entry.artifacts):
            raise ChainError(f"{link.path}: a draw has no sealed files")
        if expired(each.case, each.policy, entry.time):
            raise ChainError(f"{link.path}: was drawn after the release's retention ended")
        try:
            answerable(entry.draw, each.case)
        except ValueError as error:
            raise ChainError(f"{link.path}: {error}") from None
        asked = [artifact.sha256 for artifact in entry.artifacts if artifact.name == REQUEST]
        if asked != [sha256(request(entry.root, entry))]:
            raise ChainError(
                f"{link.path}: what it says was asked is not what {REQUEST} among its files says"
            )
    count = len(chain.samples)
    return f"{count} draw(s) from kept models" if count else ""
