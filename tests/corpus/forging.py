"""What the holder of the runner's key can write: entries that the gate would not have made."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from dpgate.gate import budgets
from dpgate.gate.costing import cost_of, from_record, to_record
from dpgate.gate.opening import embed, loaded_document
from dpgate.gate.signed import approval_files
from dpgate.gate.workspace import now, policy_of, workspace
from dpgate.ledger import envelope
from dpgate.ledger.chain import Chain, file_name, subjects
from dpgate.ledger.keys import PrivateKey
from dpgate.ledger.statement import statement
from dpgate.loading.canonical import sha256
from dpgate.model.policy import PrivacyPolicy
from dpgate.model.record import Entry, Genesis, Reserve, Sample, Settle, Withdraw
from dpgate.policy.facts import facts_of
from dpgate.policy.scopes import Tally
from dpgate.policy.windows import hour_of
from tests.team import Team


def place(chain: Chain) -> dict[str, Any]:
    """The fields that put an entry at the end of a chain."""
    return {
        "sequence": len(chain.links) + 1,
        "previous": chain.head.digest,
        "root": chain.root,
        "time": max(hour_of(now()), chain.head.entry.time),
    }


def reserve(team: Team, chain: Chain, release: str, **changes: Any) -> Reserve:
    """A reservation with everything right that can be, under the policy at the head."""
    space = workspace(team.clone)
    policy = policy_of(loaded_document(chain.policy))
    case = space.case(release)
    cost = cost_of(policy, case)
    facts = facts_of(case.dataset, case.release)
    header = place(chain)
    made = Reserve(
        **header,
        nonce=secrets.token_hex(16),
        policy_set=chain.policy.sha256,
        release=release,
        attempt=len(chain.attempts(release)) + 1,
        facts=facts,
        documents=(embed(case.release_file, space.root), embed(case.dataset_file, space.root)),
        approvals=approval_files(space, f"releases/{release}"),
        events=cost.events,
        spend=to_record(cost.spend),
        claim=cost.claim,
        sums={
            key: to_record(spend)
            for key, spend in budgets.sums(
                policy,
                facts,
                header["time"],
                case.dataset.spec.limits,
                tally(chain, policy),
                cost.spend,
            ).items()
        },
    )
    return made.model_copy(update=changes)


def tally(chain: Chain, policy: PrivacyPolicy) -> Tally:
    """What all reservations of a chain spent."""
    made = Tally(policy.spec.accounting.orders)
    for _, entry in chain.reserves:
        made.add(entry.facts, entry.time, from_record(entry.spend))
    return made


def rewritten(
    chain: Chain, number: int, edit: Callable[[Any], Entry | None], key: PrivateKey
) -> dict[str, bytes]:
    """The chain with one entry changed or dropped, and everything from there on signed again."""
    files: dict[str, bytes] = {}
    renamed: dict[str, str] = {}
    previous = root = None
    for link in chain.links:
        entry: Entry | None = link.entry
        if link.entry.sequence == number:
            entry = edit(link.entry)
        if entry is None:
            continue
        if link.entry.sequence >= number:
            entry = _moved(entry, len(files) + 1, previous, root, renamed)
            payload = statement(entry, subjects(entry)).payload()
            data = envelope.seal(payload, [key]).to_bytes()
        else:
            data = link.envelope.to_bytes()
        previous = renamed[link.digest] = sha256(data)
        root = root or previous
        files[file_name(entry)] = data
    return files


def _moved(
    entry: Entry, sequence: int, previous: str | None, root: str | None, renamed: dict[str, str]
) -> Entry:
    """An entry in its new place."""
    update: dict[str, Any] = {"sequence": sequence, "previous": previous}
    if not isinstance(entry, Genesis):
        update["root"] = root
    if isinstance(entry, Settle | Withdraw | Sample):
        update["reserve"] = renamed.get(entry.reserve, entry.reserve)
    if isinstance(entry, Reserve) and entry.resumes is not None:
        before = renamed.get(entry.resumes.reserve, entry.resumes.reserve)
        update["resumes"] = entry.resumes.model_copy(update={"reserve": before})
    if isinstance(entry, Sample):
        update["settle"] = renamed.get(entry.settle, entry.settle)
    return entry.model_copy(update=update)
