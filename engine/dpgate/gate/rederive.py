"""Who agreed to what: signatures, policies, rules and approvals of a ledger, judged again.

Every function returns a line for people, or raises a LedgerError that names the file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from dpgate.accounting.filter import Spend
from dpgate.errors import ChainError, SignatureError
from dpgate.gate import check, ruling
from dpgate.gate.approvals import Binding, Judgement, judge_policy, judge_release
from dpgate.gate.costing import from_record
from dpgate.gate.opening import loaded_document
from dpgate.gate.waivers import Ground
from dpgate.gate.waivers_kept import held, needed, recorded
from dpgate.gate.waivers_told import Waiving
from dpgate.gate.workspace import Case, policy_of
from dpgate.ledger.chain import Chain, Link
from dpgate.ledger.keys import PublicKey
from dpgate.ledger.roles import Keyring, keyring
from dpgate.loading.documents import Loaded
from dpgate.model.event import Event
from dpgate.model.limits import Limits
from dpgate.model.policy import PrivacyPolicy
from dpgate.model.record import (
    Document,
    Facts,
    Genesis,
    PolicyAdopted,
    Reserve,
    Sample,
    Settle,
    Withdraw,
)
from dpgate.model.values import counted
from dpgate.policy.approvals import author_missing, missing, required_reviews, required_roles
from dpgate.policy.facts import clock_of, facts_of
from dpgate.policy.limits import too_high
from dpgate.policy.resets import dropped
from dpgate.policy.rulebook import Bound, programs, rules_for


@lru_cache(maxsize=256)
def _read(document: Document) -> Loaded:
    return loaded_document(document)


def _policy(document: Document) -> PrivacyPolicy:
    loaded = _read(document)
    if not isinstance(loaded.document, PrivacyPolicy):
        raise ChainError(f"{document.path}: the adopted document is no policy")
    return policy_of(loaded)


@lru_cache(maxsize=64)
def _ring(document: Document) -> Keyring:
    return keyring(_policy(document))


def _case(link: Link, entry: Reserve) -> Case:
    manifest, dataset = (_read(document) for document in entry.documents)
    case = Case(entry.release, dataset, manifest)
    wanted = (
        f"releases/{entry.release}/release.yaml",
        f"releases/{entry.release.split('/')[0]}/dataset.yaml",
    )
    names = (case.dataset.metadata.name, case.release.metadata.name)
    if tuple(d.path for d in entry.documents) != wanted or "/".join(names) != entry.release:
        raise ChainError(f"{link.path}: its documents are not those of {entry.release}")
    if case.release.spec.dataset != names[0]:
        raise ChainError(f"{link.path}: its manifest is about another dataset")
    return case


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A reservation and what it was judged by."""

    link: Link
    entry: Reserve
    policy_document: Document
    policy: PrivacyPolicy
    case: Case
    events: tuple[Event, ...]
    """Its events; the same object wherever the same events were reserved."""
    facts: Facts
    """What its documents say; step 6 holds the recorded facts to be the same."""
    spend: Spend
    """Its recorded spend."""
    sums: Mapping[str, Spend]
    """Its recorded sums, by scope."""

    @cached_property
    def rules(self) -> tuple[Bound, ...]:
        """Rules in CEL that were in force for it."""
        return rules_for(_read(self.policy_document), self.case.dataset_file)

    @cached_property
    def later(self) -> frozenset[str]:
        """Those of them that need the ledger."""
        judged = programs(self.rules)
        return frozenset(b.rule.id for b, program in judged if program.stage != "documents")

    @property
    def limits(self) -> Limits | None:
        """Lower limits of its dataset."""
        return self.case.dataset.spec.limits


def judged(chain: Chain) -> tuple[Judged, ...]:
    """Every reservation with its documents, loaded once, and the policy in force at its place."""
    found: list[Judged] = []
    known: dict[tuple[Event, ...], tuple[Event, ...]] = {}
    document: Document | None = None
    for link in chain.links:
        entry = link.entry
        if isinstance(entry, Genesis | PolicyAdopted):
            document = entry.documents[0]
        elif isinstance(entry, Reserve) and document is not None:
            case = _case(link, entry)
            events = known.setdefault(entry.events, entry.events)
            found.append(
                Judged(
                    link=link,
                    entry=entry,
                    policy_document=document,
                    policy=_policy(document),
                    case=case,
                    events=events,
                    facts=facts_of(case.dataset, case.release),
                    spend=from_record(entry.spend),
                    sums={key: from_record(value) for key, value in entry.sums.items()},
                )
            )
    return tuple(found)


def signatures(links: tuple[Link, ...], document: Document | None = None) -> str:
    """Every entry is signed by enough runner keys of the policy in force at its place.

    Args:
        links: entries in order.
        document: the policy in force before the first of them; None if that is the genesis.
    """
    keys: set[PublicKey] = set()
    for link in links:
        entry = link.entry
        if document is None:
            if not isinstance(entry, Genesis):
                raise ChainError(f"{link.path}: no policy was adopted before it")
            document = entry.documents[0]
        expected = (
            document.sha256
            if isinstance(entry, Reserve | Settle | Withdraw | Sample | Genesis)
            else entry.documents[0].sha256
        )
        if entry.policy_set != expected:
            raise ChainError(f"{link.path}: stands under another policy than the one in force")
        try:
            found = link.envelope.signers(_ring(document)["runner"])
        except SignatureError as error:
            raise SignatureError(f"{link.path}: {error.message}") from None
        needed = _policy(document).spec.roles["runner"].threshold
        if len(found) < needed:
            raise SignatureError(f"{link.path}: {len(found)} of {needed} runner signatures")
        keys |= found
        if isinstance(entry, PolicyAdopted):
            document = entry.documents[0]
    return f"{len(links)} entries by {len(keys)} runner key(s), each in its role at its place"


def policies(chain: Chain) -> str:
    """Every adoption has the approvals that the policy before it demands."""
    previous: Document | None = None
    adopted_by: str | None = None
    count = 0
    for link in chain.links:
        entry = link.entry
        if not isinstance(entry, Genesis | PolicyAdopted):
            continue
        adopted = entry.documents[0]
        judge = previous or adopted
        judgement = judge_policy(
            entry.approvals,
            root=entry.root,
            previous=adopted_by,
            adopted=adopted.sha256,
            ring=_ring(judge),
        )
        _demand(link, _policy(judge), _policy(judge).spec.policy_change.roles, judgement.signed)
        _unrefused(link, judgement)
        if judgement.rejected:
            raise ChainError(
                f"{link.path}: holds an approval that does not count: {judgement.rejected[0][1]}"
            )
        if previous:
            check_change(_policy(previous), _policy(adopted), link.path)
        _ring(adopted)
        previous, adopted_by = adopted, link.digest
        count += 1
    return f"{count} polic{'y' if count == 1 else 'ies'}, each approved under the one before"


def check_change(
    before: PrivacyPolicy, after: PrivacyPolicy, place: str = "policies/organization.yaml"
) -> None:
    """Raise where a new policy would undo what the filter rests on.

    Raises:
        ChainError: orders or δ changed, a population lost its budget or changed its relation, or
            the ledger would move.
    """
    if before.spec.accounting != after.spec.accounting:
        raise ChainError(
            f"{place}: accounting (δ and orders) is fixed when the first policy is adopted",
            fix="restore spec.accounting; other orders chosen after spending are no valid filter",
        )
    if before.spec.ledger != after.spec.ledger:
        raise ChainError(
            f"{place}: the ledger's branch cannot be changed", fix="restore spec.ledger"
        )
    for name, population in before.spec.populations.items():
        renewed = after.spec.populations.get(name)
        if renewed is None:
            raise ChainError(
                f"{place}: population {name} disappears, and its spend with it",
                fix="keep it, with a low limit",
            )
        if renewed.neighboring != population.neighboring:
            raise ChainError(
                f"{place}: population {name} changes its neighboring relation", fix="restore it"
            )


def _demand(link: Link, policy: PrivacyPolicy, roles: tuple[str, ...], signed: object) -> None:
    lacking = missing(policy, roles, signed)  # type: ignore[arg-type]
    if lacking:
        names = ", ".join(f"{role} ({count})" for role, count in lacking.items())
        raise SignatureError(f"{link.path}: approvals missing: {names}")


def waivers_of(each: Judged, root: str) -> Waiving:
    """The waivers of a reservation, each in force at its place.

    Raises:
        LedgerError: one is not.
    """
    ground = Ground(
        policy=each.policy,
        day=clock_of(each.policy, each.entry.time).day,
        ring=_ring(each.policy_document),
        root=root,
        policy_set=each.policy_document.sha256,
    )
    return held(each.link.path, each.entry, each.rules, ground)


def _unrefused(link: Link, judgement: Judgement) -> None:
    if judgement.refused:
        no = judgement.refused[0]
        raise SignatureError(
            f"{link.path}: {no.role} had refused it, and did not take it back: {no.reason}"
        )


def _reviewed(each: Judged) -> None:
    """Reviews that the policy demanded are on record: the runner's word, which can't be checked."""
    day = clock_of(each.policy, each.entry.time).day
    case = each.case
    needed = required_reviews(each.policy, case.dataset, case.release, each.facts, day)
    seen = each.entry.reviewed
    enough = len(seen) == len(needed) and all(
        len(set(there.reviewers)) >= rule.at_least
        for rule, there in zip(needed, seen, strict=False)
    )
    if not enough:
        raise SignatureError(
            f"{each.link.path}: does not say who reviewed it on GitHub, as the policy demands"
        )


def documents(reserves: Sequence[Judged], root: str) -> str:
    """Each reservation's manifest satisfied every rule on its day, and its facts are true."""
    charged: dict[str, set[str]] = {}
    count = 0
    for each in reserves:
        time = clock_of(each.policy, each.entry.time)
        # What it rests on is what its events say: the synthesizer need not be installed here.
        exact = all(event.proof == "opendp" for event in each.entry.events)
        made = each.case.release.spec.synthesize
        maker = made.with_ if made else "statistics"
        proofs = {maker: "opendp" if exact else "real-arithmetic"}
        waivers = waivers_of(each, root)
        findings = check.judge(each.case, each.policy, time.day, proofs)
        findings += ruling.checked(each.rules, each.case, time.day, everything_signed=True)
        findings = waivers.aside(findings)
        findings += too_high(_read(each.policy_document), each.case.dataset_file)
        denied = [finding for finding in findings if finding.level == "deny"]
        if denied:
            raise ChainError(
                f"{each.link.path}: reserved against rule {denied[0].rule}: {denied[0].message}"
            )
        later = each.later
        needed(each.link.path, waivers, findings, lambda rule, later=later: rule not in later)  # type: ignore[misc]
        if each.entry.facts != each.facts:
            raise ChainError(f"{each.link.path}: its facts are not those of its documents")
        most = each.policy.spec.evidence.attempts
        if most is not None and each.entry.attempt > most:
            raise ChainError(f"{each.link.path}: is attempt {each.entry.attempt} of at most {most}")
        dataset = each.case.dataset.metadata.name
        lost = dropped(each.policy, each.entry.facts, charged.setdefault(dataset, set()))
        if lost is not None:
            raise ChainError(
                f"{each.link.path}: drops population {lost}, which {dataset} was charged to"
            )
        charged[dataset].update(each.entry.facts.populations)
        count += 1
    return f"{count} manifest(s) judged again under the policy then in force"


def _binding(each: Judged, root: str) -> Binding:
    """What the approvals of a reservation must name."""
    return Binding(
        root=root,
        release=each.entry.release,
        policy_set=each.policy_document.sha256,
        manifest=each.case.release_file.digest,
        dataset=each.case.dataset_file.digest,
        cost=each.spend,
        waivers=tuple(offer.file.digest for offer in recorded(each.entry.waivers)),
    )


def approvals(
    reserves: Sequence[Judged], root: str
) -> tuple[str, dict[str, Mapping[str, frozenset[str]]]]:
    """Each reservation carries the approvals that its policy demands of it.

    Returns:
        A line for people, and who approved each reservation, by its digest.
    """
    signed: dict[str, Mapping[str, frozenset[str]]] = {}
    used: dict[str, int] = {}
    attempts: dict[str, int] = {}
    count = 0
    for each in reserves:
        entry, case, policy = each.entry, each.case, each.policy
        attempts[entry.release] = attempts.get(entry.release, 0) + 1
        if entry.attempt != attempts[entry.release]:
            raise ChainError(
                f"{each.link.path}: is attempt {attempts[entry.release]}, not {entry.attempt}"
            )
        day = clock_of(policy, entry.time).day
        judgement = judge_release(
            entry.approvals,
            _binding(each, root),
            _ring(each.policy_document),
            day,
            used,
            policy.spec.separation,
        )
        _unrefused(each.link, judgement)
        if judgement.rejected:
            path, reason = judgement.rejected[0]
            raise SignatureError(f"{each.link.path}: approval {path} does not count: {reason}")
        roles = required_roles(policy, case.dataset, case.release, each.facts, day)
        _demand(each.link, policy, roles, judgement.signed)
        if author_missing(policy, judgement.authors):
            raise SignatureError(f"{each.link.path}: nobody signed as the author")
        _reviewed(each)
        signed[each.link.digest] = judgement.signed
        for document in entry.approvals:
            used[document.sha256] = used.get(document.sha256, 0) + 1
        count += len(entry.approvals)
    bound = "approvals bound to manifest, dataset, policy, cost and attempt"
    return f"{counted(count, 'signature')}; {bound}", signed
