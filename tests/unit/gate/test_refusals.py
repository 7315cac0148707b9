"""Refusals and authors' signatures: what counts is decided by the documents, in whatever order."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dpgate.gate.approvals import Judgement, judge_policy, judge_release, subjects
from dpgate.ledger.keys import PrivateKey, generate, load_private
from dpgate.ledger.statement import statement
from dpgate.model.policy import Separation
from dpgate.model.record import (
    Authorship,
    Consent,
    Document,
    PolicyApproval,
    PolicyRefusal,
    ReleaseRefusal,
)
from tests.unit.gate.test_approvals import BINDING, DAY, RELEASE, approval, digest, document

Keys = dict[str, PrivateKey]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    folder: Path = tmp_path_factory.mktemp("keys")
    for name in ("ann", "bob", "eve", "ed"):
        generate(folder / name, name)
    return {name: load_private(folder / name) for name in ("ann", "bob", "eve", "ed")}


@pytest.fixture(scope="module")
def ring(keys: Keys) -> dict[str, tuple[Any, ...]]:
    return {
        "privacy": (keys["ann"].public, keys["bob"].public),
        "engineering": (keys["ed"].public,),
    }


def file(given: Consent, key: PrivateKey, name: str) -> Document:
    return document(statement(given, subjects(given)).payload(), key, name=name)


def refusal(**changes: Any) -> ReleaseRefusal:
    fields = {
        "root": BINDING.root, "release": RELEASE, "role": "privacy",
        "manifest": BINDING.manifest, "dataset": BINDING.dataset,
        "reason": "Ages too fine.", "nonce": "1" * 32,
    }  # fmt: skip
    return ReleaseRefusal(**{**fields, **changes})


def authorship(**changes: Any) -> Authorship:
    fields = {
        "root": BINDING.root, "release": RELEASE, "role": "engineering",
        "manifest": BINDING.manifest, "dataset": BINDING.dataset,
    }  # fmt: skip
    return Authorship(**{**fields, **changes})


def judged(ring: Any, *documents: Document, authors: tuple[str, ...] = ()) -> Judgement:
    separation = Separation(authors=authors) if authors else None
    return judge_release(documents, BINDING, ring, DAY, {}, separation)


def orders(*documents: Document) -> Iterator[tuple[Document, ...]]:
    yield from itertools.permutations(documents)


def test_a_refusal_stands_beside_the_approvals_of_others(keys: Keys, ring: Any) -> None:
    yes = file(approval(), keys["bob"], "yes")
    no = file(refusal(), keys["ann"], "no")
    for given in orders(yes, no):
        found = judged(ring, *given)
        assert [r.reason for r in found.refused] == ["Ages too fine."]
        assert found.refused[0].key == keys["ann"].public.fingerprint
        assert found.counted == (yes,)
        assert found.rejected == ()


def test_an_approval_that_does_not_lift_leaves_the_refusal(keys: Keys, ring: Any) -> None:
    yes = file(approval(), keys["ann"], "yes")
    no = file(refusal(), keys["ann"], "no")
    for given in orders(yes, no):
        assert judged(ring, *given).refused


def test_the_same_key_takes_it_back_by_an_approval_that_names_it(keys: Keys, ring: Any) -> None:
    no = file(refusal(), keys["ann"], "no")
    yes = file(approval(lifts=(no.sha256,)), keys["ann"], "yes")
    for given in orders(yes, no):
        found = judged(ring, *given)
        assert found.refused == ()
        assert {d.path for d in found.counted} == {yes.path, no.path}


def test_another_key_cannot_take_it_back(keys: Keys, ring: Any) -> None:
    no = file(refusal(), keys["ann"], "no")
    yes = file(approval(lifts=(no.sha256,)), keys["bob"], "yes")
    assert judged(ring, yes, no).refused


def test_refusing_again_is_another_refusal(keys: Keys, ring: Any) -> None:
    no = file(refusal(), keys["ann"], "no")
    yes = file(approval(lifts=(no.sha256,)), keys["ann"], "yes")
    again = file(refusal(nonce="2" * 32), keys["ann"], "again")
    for given in orders(yes, no, again):
        assert [r.path for r in judged(ring, *given).refused] == [again.path]


@pytest.mark.parametrize(
    "changes",
    [{"expires": DAY.replace(day=1)}, {"policy_set": digest("9")}, {"manifest": digest("9")}],
)
def test_an_approval_that_does_not_count_takes_nothing_back(
    keys: Keys, ring: Any, changes: dict[str, Any]
) -> None:
    no = file(refusal(), keys["ann"], "no")
    yes = file(approval(lifts=(no.sha256,), **changes), keys["ann"], "yes")
    assert judged(ring, yes, no).refused


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"root": digest("9")}, "it is for another repository"),
        ({"release": "visits/two"}, "it is for another release"),
        ({"manifest": digest("9")}, "it refused another version of the manifest"),
        ({"dataset": digest("9")}, "it refused another version of the dataset"),
    ],
)
def test_a_refusal_is_of_exactly_these_bytes(
    keys: Keys, ring: Any, changes: dict[str, Any], why: str
) -> None:
    found = judged(ring, file(refusal(**changes), keys["ann"], "no"))
    assert (found.refused, [reason for _, reason in found.rejected]) == ((), [why])


def test_who_holds_no_role_refuses_nothing(keys: Keys, ring: Any) -> None:
    for given in (refusal(), refusal(role="engineering"), refusal(role="nobody")):
        found = judged(ring, file(given, keys["eve"], "no"))
        assert found.refused == ()
        assert len(found.rejected) == 1


def test_any_role_may_refuse(keys: Keys, ring: Any) -> None:
    assert judged(ring, file(refusal(role="engineering"), keys["ed"], "no")).refused


# ── authors ──────────────────────────────────────────────────────────────────────────────────


def test_who_signed_as_the_author_does_not_approve(keys: Keys, ring: Any) -> None:
    own = file(approval(), keys["ann"], "own")
    other = file(approval(), keys["bob"], "other")
    wrote = file(authorship(role="privacy"), keys["ann"], "wrote")
    for given in orders(own, other, wrote):
        found = judged(ring, *given)
        assert found.signed == {"privacy": {keys["bob"].public.fingerprint}}
        assert found.authors == {keys["ann"].public.fingerprint}
        assert {d.path for d in found.counted} == {other.path, wrote.path}
        assert found.rejected == ((own.path, "its key signed as the author of this manifest"),)


def test_an_author_takes_back_no_refusal_by_approving(keys: Keys, ring: Any) -> None:
    no = file(refusal(), keys["ann"], "no")
    yes = file(approval(lifts=(no.sha256,)), keys["ann"], "yes")
    wrote = file(authorship(role="privacy"), keys["ann"], "wrote")
    for given in orders(no, yes, wrote):
        assert judged(ring, *given).refused


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"role": "privacy"}, "role privacy may not sign as the author"),
        ({"manifest": digest("9")}, "it is for another version of the manifest"),
        ({"release": "visits/two"}, "it is for another release"),
    ],
)
def test_authors_are_who_the_policy_says(
    keys: Keys, ring: Any, changes: dict[str, Any], why: str
) -> None:
    signer = keys["ann"] if "role" in changes else keys["ed"]
    found = judged(ring, file(authorship(**changes), signer, "wrote"), authors=("engineering",))
    assert (found.authors, [reason for _, reason in found.rejected]) == (frozenset(), [why])


# ── policies ─────────────────────────────────────────────────────────────────────────────────


def policy_judged(ring: Any, *documents: Document) -> Judgement:
    return judge_policy(
        documents, root=digest("a"), previous=digest("b"), adopted=digest("c"), ring=ring
    )


def change(**changes: Any) -> dict[str, Any]:
    fields = {"root": digest("a"), "role": "privacy", "previous": digest("b")}
    return {**fields, "policy_set": digest("c"), **changes}


def test_a_policy_is_refused_and_the_refusal_taken_back(keys: Keys, ring: Any) -> None:
    given = PolicyRefusal(**change(reason="No basis.", nonce="1" * 32))
    no = file(given, keys["ann"], "no")
    plain = file(PolicyApproval(**change()), keys["ann"], "plain")
    assert [r.reason for r in policy_judged(ring, no, plain).refused] == ["No basis."]
    lifting = file(PolicyApproval(**change(lifts=(no.sha256,))), keys["ann"], "lifting")
    assert policy_judged(ring, no, lifting).refused == ()
    stale = PolicyRefusal(**change(policy_set=digest("9"), reason="No.", nonce="1" * 32))
    ((_, why),) = policy_judged(ring, file(stale, keys["ann"], "stale")).rejected
    assert why == "it refuses another version of the policy"
