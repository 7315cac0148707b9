"""Waivers inside a reservation: put there with their signatures, and judged again by `verify`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from dpgate.errors import ChainError, SignatureError
from dpgate.gate.opening import loaded_document
from dpgate.gate.waivers import Decided, Ground, Offer
from dpgate.gate.waivers_told import Waiving, unfit, waiving
from dpgate.loading.repository import WAIVERS
from dpgate.model.finding import Finding
from dpgate.model.record import Document, Reserve
from dpgate.model.waiver import Waiver
from dpgate.policy.rulebook import Bound


def embedded(decided: Iterable[Decided]) -> tuple[Document, ...]:
    """Waivers as a reservation holds them: each document, then the signatures that count."""
    documents: list[Document] = []
    for each in decided:
        file = each.offer.file
        documents.append(Document(path=file.file, sha256=file.digest, text=file.text))
        documents += each.counted
    return tuple(documents)


def recorded(documents: Sequence[Document]) -> tuple[Offer, ...]:
    """The waivers that a reservation holds, each with the signatures from the folder beside it.

    Raises:
        ChainError: a document is neither a waiver nor a signature under one before it.
        DocumentError: a waiver is malformed.
    """
    offers: dict[str, Offer] = {}
    for document in documents:
        place = document.path.rpartition("/approvals/")[0]  # a waiver may have that name, too
        if place in offers:
            offer = offers[place]
            offers[place] = Offer(offer.file, (*offer.signatures, document))
            continue
        loaded = loaded_document(document)
        place = f"{WAIVERS}/{loaded.document.metadata.name}"
        waiver = isinstance(loaded.document, Waiver)
        if not waiver or document.path != f"{place}.yaml" or place in offers:
            raise ChainError(f"{document.path}: is no waiver of that name")
        offers[place] = Offer(loaded, ())
    return tuple(offers.values())


def held(place: str, entry: Reserve, bounds: Iterable[Bound], ground: Ground) -> Waiving:
    """The waivers of a reservation, judged again on its day: every one must be in force.

    Args:
        place: path of the entry, for messages.
        entry: the reservation.
        bounds: the rules that it was held against.
        ground: the policy in force at its place, its keys and its day.

    Raises:
        ChainError: one is of another release or of a rule that cannot be waived, or is not in force.
        SignatureError: one lacks signatures, or holds one that does not count.
    """
    try:
        offers = recorded(entry.waivers)
    except ChainError as error:
        raise ChainError(f"{place}: {error.message}") from None
    for offer in offers:
        if offer.waiver.spec.release != entry.release:
            raise ChainError(f"{place}: waiver {offer.name} is for {offer.waiver.spec.release}")
    found = waiving(offers, entry.release, bounds, ground)
    for each in found.decided:
        if not each:
            kind = SignatureError if each.state == "unsigned" else ChainError
            raise kind(f"{place}: waiver {each.offer.name} is not in force: {each.why}")
        if each.rejected:
            path, why = each.rejected[0]
            raise SignatureError(f"{place}: signature {path} does not count: {why}")
        wrong = unfit(each.rule, found.known, found.consent)
        if wrong is not None:
            raise ChainError(f"{place}: waiver {each.offer.name} {wrong.message}")
    return found


def needed(
    place: str, waivers: Waiving, findings: Iterable[Finding], about: Callable[[str], bool]
) -> None:
    """Raise unless each waiver of a reservation set something aside.

    Args:
        place: path of the entry, for messages.
        waivers: of the reservation.
        findings: what rules found, as it counts.
        about: whether a rule was among those that were judged.

    Raises:
        ChainError: one did not: it would be told of a release that it has nothing to do with.
    """
    used = waivers.used(findings)
    for each in waivers.decided:
        if each not in used and about(each.rule):
            raise ChainError(f"{place}: waiver {each.offer.name} sets nothing aside")


def waivers_of(entry: Reserve) -> tuple[Waiver, ...]:
    """The documents of the waivers that a reservation used."""
    return tuple(offer.waiver for offer in recorded(entry.waivers))


def with_waivers(entry: Reserve) -> str:
    """How a reservation's waivers are told of: " with 1 waiver (rule X, ticket Y)", or nothing."""
    waivers = waivers_of(entry)
    if not waivers:
        return ""
    told = "; ".join(f"rule {each.spec.rule}, ticket {each.spec.ticket}" for each in waivers)
    return f" with {len(waivers)} waiver{'s' * (len(waivers) > 1)} ({told})"
