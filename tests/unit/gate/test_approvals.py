"""Which approvals count: each thing that one binds is changed in turn, and it counts no more."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dpgate.accounting.filter import Spend
from dpgate.gate.approvals import (
    Binding,
    Judgement,
    judge_policy,
    judge_release,
    subjects,
)
from dpgate.gate.costing import to_record
from dpgate.ledger import envelope
from dpgate.ledger.keys import PrivateKey, generate, load_private
from dpgate.ledger.roles import Keyring
from dpgate.ledger.statement import statement
from dpgate.loading.canonical import sha256
from dpgate.model.record import (
    Document,
    PolicyApproval,
    ReleaseApproval,
)

DAY = dt.date(2026, 11, 22)
RELEASE = "visits/one"
COST = Spend({4: Decimal("0.5"), 8: Decimal(1)}, Decimal("1e-9"))


def digest(letter: str) -> str:
    return "sha256:" + letter * 64


BINDING = Binding(
    root=digest("a"),
    release=RELEASE,
    policy_set=digest("b"),
    manifest=digest("c"),
    dataset=digest("d"),
    cost=COST,
)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, PrivateKey]:
    folder: Path = tmp_path_factory.mktemp("keys")
    made = {}
    for name in ("ann", "bob", "eve"):
        generate(folder / name, name)
        made[name] = load_private(folder / name)
    return made


@pytest.fixture(scope="module")
def ring(keys: dict[str, PrivateKey]) -> Keyring:
    return {"privacy": (keys["ann"].public, keys["bob"].public), "legal": (keys["eve"].public,)}


def approval(**changes: Any) -> ReleaseApproval:
    fields = {
        "root": BINDING.root,
        "release": RELEASE,
        "role": "privacy",
        "policy_set": BINDING.policy_set,
        "manifest": BINDING.manifest,
        "dataset": BINDING.dataset,
        "cost": to_record(COST),
        "attempts": 1,
        "nonce": "0" * 32,
        "expires": DAY,
    }
    return ReleaseApproval(**{**fields, **changes})


def document(payload: bytes, *keys: PrivateKey, name: str = "x") -> Document:
    text = envelope.seal(payload, keys).to_bytes().decode()
    path = f"releases/{RELEASE}/approvals/{name}.dsse.json"
    return Document(path=path, sha256=sha256(text.encode()), text=text)


def signed(given: ReleaseApproval, *keys: PrivateKey, name: str = "x") -> Document:
    return document(statement(given, subjects(given)).payload(), *keys, name=name)


def judged(ring: Keyring, *documents: Document, day: dt.date = DAY, used: int = 0) -> Judgement:
    return judge_release(documents, BINDING, ring, day, {d.sha256: used for d in documents})


def reason(ring: Keyring, given: Document, **options: Any) -> str:
    judgement = judged(ring, given, **options)
    assert judgement.counted == ()
    assert judgement.signed == {}
    ((path, why),) = judgement.rejected
    assert path == given.path
    return why


def test_an_approval_that_binds_everything_counts(
    keys: dict[str, PrivateKey], ring: Keyring
) -> None:
    given = signed(approval(), keys["ann"])
    judgement = judged(ring, given)
    assert judgement.signed == {"privacy": frozenset({keys["ann"].public.fingerprint})}
    assert judgement.counted == (given,)
    assert judgement.rejected == ()


def test_two_keys_of_a_role_count_as_two_and_one_key_twice_as_one(
    keys: dict[str, PrivateKey], ring: Keyring
) -> None:
    ann, bob = (signed(approval(), keys[name], name=name) for name in ("ann", "bob"))
    again = signed(approval(attempts=2), keys["ann"], name="again")
    assert len(judged(ring, ann, bob).signed["privacy"]) == 2
    assert len(judged(ring, ann, again).signed["privacy"]) == 1


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"root": digest("9")}, "it is for another repository"),
        ({"release": "visits/two"}, "it is for another release"),
        ({"policy_set": digest("9")}, "it approved another version of the policy"),
        ({"manifest": digest("9")}, "it approved another version of the manifest"),
        ({"dataset": digest("9")}, "it approved another version of the dataset"),
        ({"expires": DAY - dt.timedelta(days=1)}, "it expired on 2026-11-21"),
        (
            {"cost": to_record(Spend({4: Decimal("0.4999999"), 8: Decimal(9)}, Decimal("1e-9")))},
            "the release now costs more than it allows",
        ),
        (
            {"cost": to_record(Spend({4: Decimal("0.5"), 8: Decimal(1)}, Decimal("1e-10")))},
            "the release now costs more than it allows",
        ),
        (
            {"cost": to_record(Spend({4: Decimal(9)}, Decimal(1)))},
            "it was given at other orders than the policy's",
        ),
        ({"role": "chief"}, "the policy has no role chief"),
    ],
)
def test_one_thing_changed_and_it_counts_no_more(
    keys: dict[str, PrivateKey], ring: Keyring, changes: dict[str, Any], why: str
) -> None:
    assert reason(ring, signed(approval(**changes), keys["ann"])) == why


def test_more_than_the_cost_may_be_allowed(keys: dict[str, PrivateKey], ring: Keyring) -> None:
    roomy = to_record(Spend({4: Decimal(5), 8: Decimal(5)}, Decimal("1e-8")))
    assert judged(ring, signed(approval(cost=roomy), keys["ann"])).counted


def test_the_last_day_still_counts(keys: dict[str, PrivateKey], ring: Keyring) -> None:
    given = signed(approval(), keys["ann"])
    assert judged(ring, given, day=DAY).counted
    assert reason(ring, given, day=DAY + dt.timedelta(days=1)) == "it expired on 2026-11-22"


def test_attempts_are_used_up(keys: dict[str, PrivateKey], ring: Keyring) -> None:
    once, twice = (signed(approval(attempts=n), keys["ann"]) for n in (1, 2))
    assert reason(ring, once, used=1) == "its 1 attempt is used up"
    assert judged(ring, twice, used=1).counted
    assert reason(ring, twice, used=2) == "its 2 attempts are used up"


def test_the_signer_must_hold_the_role_it_names(keys: dict[str, PrivateKey], ring: Keyring) -> None:
    assert "by no key that may sign here" in reason(ring, signed(approval(), keys["eve"]))
    other = signed(approval(role="legal"), keys["ann"])
    assert "by no key that may sign here" in reason(ring, other)


def test_a_second_signature_in_one_file_does_not_count(
    keys: dict[str, PrivateKey], ring: Keyring
) -> None:
    # In another order it would be another file, with attempts of its own.
    both = signed(approval(), keys["ann"], keys["bob"])
    assert reason(ring, both) == "it holds more than one signature"


def test_subjects_must_be_what_it_approves(keys: dict[str, PrivateKey], ring: Keyring) -> None:
    given = approval()
    wrong = {**subjects(given), "releases/visits/dataset.yaml": digest("9")}
    other = document(statement(given, wrong).payload(), keys["ann"])
    assert reason(ring, other) == "its subjects are not what it approves"


def policy_approval(**changes: Any) -> PolicyApproval:
    fields = {
        "root": digest("a"),
        "role": "privacy",
        "previous": digest("b"),
        "policy_set": digest("c"),
    }
    return PolicyApproval(**{**fields, **changes})


def policy_document(given: PolicyApproval, key: PrivateKey) -> Document:
    return document(statement(given, {"policy": given.policy_set}).payload(), key)


def judged_policy(ring: Keyring, given: Document) -> Judgement:
    return judge_policy(
        (given,), root=digest("a"), previous=digest("b"), adopted=digest("c"), ring=ring
    )


def test_one_kind_of_approval_is_not_the_other(keys: dict[str, PrivateKey], ring: Keyring) -> None:
    policy = policy_document(policy_approval(), keys["ann"])
    assert reason(ring, policy) == "it approves something else than a release"
    ((_, why),) = judged_policy(ring, signed(approval(), keys["ann"])).rejected
    assert why == "it approves something else than a policy"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"root": None}, "it is for another repository"),
        ({"root": digest("9")}, "it is for another repository"),
        ({"policy_set": digest("9")}, "it approves another version of the policy"),
        ({"previous": digest("9")}, "it replaces another policy than the one in force"),
        ({"previous": None}, "it replaces another policy than the one in force"),
    ],
)
def test_an_approval_of_a_policy_is_for_one_change(
    keys: dict[str, PrivateKey], ring: Keyring, changes: dict[str, Any], why: str
) -> None:
    assert judged_policy(ring, policy_document(policy_approval(), keys["ann"])).counted
    judgement = judged_policy(ring, policy_document(policy_approval(**changes), keys["ann"]))
    assert judgement.counted == ()
    assert [why for _, why in judgement.rejected] == [why]


def _text(change: Callable[[str], str]) -> Callable[[str], str]:
    return change


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_text(lambda text: ""), "not a DSSE envelope"),
        (_text(lambda text: "{}"), "not a DSSE envelope"),
        (_text(lambda text: text + " "), "not the canonical form"),
        (_text(lambda text: text[:-20] + "\ufffd" + text[-19:]), "malformed base64|not a DSSE"),
    ],
)
def test_what_is_no_approval_is_set_aside_with_a_reason(
    keys: dict[str, PrivateKey], ring: Keyring, change: Callable[[str], str], why: str
) -> None:
    good = signed(approval(), keys["ann"], name="good")
    text = change(good.text)
    bad = Document(path="releases/x/approvals/bad.json", sha256=sha256(text.encode()), text=text)
    judgement = judged(ring, bad, good)
    assert judgement.counted == (good,)
    ((path, said),) = judgement.rejected
    assert path == bad.path
    assert any(part in said for part in why.split("|"))
