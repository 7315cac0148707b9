"""`policy adopt`: make the work tree's policy the one in force; the first adoption is the genesis."""

from __future__ import annotations

import secrets
from pathlib import Path

from dpgate.errors import ChainError, SignatureError
from dpgate.gate import entries, verify
from dpgate.gate.approvals import judge_policy
from dpgate.gate.difference import differences
from dpgate.gate.opening import OpenLedger, embed, loaded_document, trust
from dpgate.gate.rederive import check_change
from dpgate.gate.results import AdoptResult, PendingResult
from dpgate.gate.signed import approval_files
from dpgate.gate.workspace import Workspace, now, policy_of, policy_set, workspace
from dpgate.gate.worktree import uncommitted
from dpgate.ledger.chain import link_up, read
from dpgate.ledger.memory import Memory
from dpgate.ledger.roles import keyring
from dpgate.ledger.signers.interface import Signer
from dpgate.ledger.store import Store, Tip
from dpgate.loading.documents import Loaded
from dpgate.model.policy import PrivacyPolicy
from dpgate.model.record import Document, Genesis, PolicyAdopted
from dpgate.model.values import plain, short
from dpgate.policy.approvals import missing
from dpgate.policy.facts import clock
from dpgate.policy.rulebook import conditions_of, rules_of, usable


def pending(repo: Path | str = ".", *, offline: bool = False) -> PendingResult:
    """What adopting the work tree's policy would change, in words. Nothing is written.

    Args:
        repo: a release repository, or a folder in it.
        offline: compare with the ledger as this clone last fetched it.

    Raises:
        ChainError: it would undo what the filter rests on.
    """
    space = workspace(Path(repo))
    after = policy_of(space.policy_file)
    store = Store(space.root, branch=after.spec.ledger.branch)
    tip = store.local_tip() if offline else store.fetch()
    if not tip.files:
        return PendingResult(first=True, changes=_first(after))
    before = policy_of(loaded_document(link_up(read(tip.files)).policy))
    check_change(before, after)
    return PendingResult(first=False, changes=differences(before, after))


def adopt(*, key: Signer, repo: Path | str = ".", root: str | None = None) -> AdoptResult:
    """Adopt the policy of the work tree.

    Args:
        key: private key that holds the role ``runner`` in the policy in force (the first time:
            in the policy that is adopted).
        repo: a release repository, or a folder in it.
        root: genesis digest; needed on a machine that has not seen this ledger before.

    Returns:
        The entry, and the root to keep outside the repository. A policy that is in force already
        is left there, and the result says so.

    Raises:
        SignatureError: approvals are missing, or the key is not a runner's.
        DocumentError: rules of the policy cannot be used; every fault at its place.
        ChainError: it would undo what the filter rests on, or a ledger that was there is gone.
        ConflictError: somebody else wrote to the ledger first.
    """
    space = workspace(Path(repo))
    adopted = policy_of(space.policy_file)
    usable((*rules_of(space.policy_file), *conditions_of(space.policy_file)))
    keyring(adopted)
    clock(adopted, now())
    store = Store(space.root, branch=adopted.spec.ledger.branch)
    tip = store.fetch()
    if not tip.files:
        if root is not None:
            raise ChainError(
                f"the remote holds no ledger, though its root {root} is known",
                fix="do not begin anew: nothing spent may be forgotten. Restore the ledger branch",
            )
        return _genesis(space, store, tip, key)
    chain = link_up(read(tip.files))
    memory = trust(chain, root)
    verify.audit(tip.files, chain.root)
    ledger = OpenLedger(store, tip, chain, loaded_document(chain.policy))
    return _change(space, ledger, key, memory)


def _genesis(space: Workspace, store: Store, tip: Tip, key: Signer) -> AdoptResult:
    policy = policy_of(space.policy_file)
    document = embed(space.policy_file, space.root)
    approved = _approved(space, judge=space.policy_file, root=None, previous=None, key=key)
    entry = Genesis(
        **entries.header(None, now()),
        policy_set=document.sha256,
        nonce=secrets.token_hex(16),
        documents=(document,),
        approvals=approved,
    )
    _, chain, link = entries.append(
        store,
        tip,
        None,
        entry,
        key,
        f"Adopt policy {policy.metadata.name} (genesis)",
        {"Dpgate-Policy": document.sha256},
    )
    Memory(chain.root).remember(chain)
    return AdoptResult(
        entry=1,
        root=link.digest,
        policy_set=document.sha256,
        changes=_first(policy),
        notes=uncommitted(store, "policies"),
        next=f"keep the root outside this repository, and give it to every runner and auditor: {link.digest}",
    )


def _change(space: Workspace, ledger: OpenLedger, key: Signer, memory: Memory) -> AdoptResult:
    before, after = ledger.policy, policy_of(space.policy_file)
    if space.policy_file.digest == ledger.policy_file.digest:
        return _in_force(ledger)
    check_change(before, after)
    approved = _approved(
        space, judge=ledger.policy_file, root=ledger.chain.root, previous=ledger.adopted_by, key=key
    )
    document = embed(space.policy_file, space.root)
    entry = PolicyAdopted(
        **entries.header(ledger.chain, now()),
        policy_set=document.sha256,
        documents=(document,),
        approvals=approved,
    )
    _, chain, link = entries.append(
        ledger.store,
        ledger.tip,
        ledger.chain,
        entry,
        key,
        f"Adopt policy {after.metadata.name}",
        {"Dpgate-Policy": document.sha256},
    )
    memory.remember(chain)
    return AdoptResult(
        entry=link.entry.sequence,
        root=chain.root,
        policy_set=document.sha256,
        changes=differences(before, after),
        notes=uncommitted(ledger.store, "policies"),
        next="approvals of releases under the policy before no longer count",
    )


def _in_force(ledger: OpenLedger) -> AdoptResult:
    """Nothing is to be done."""
    number = next(x.entry.sequence for x in ledger.chain.links if x.digest == ledger.adopted_by)
    return AdoptResult(
        entry=number,
        root=ledger.chain.root,
        policy_set=ledger.policy_set,
        already=True,
        changes=(),
        next="",
    )


def _approved(
    space: Workspace, *, judge: Loaded, root: str | None, previous: str | None, key: Signer
) -> tuple[Document, ...]:
    policy = policy_of(judge)
    ring = keyring(policy)
    if key.public not in ring["runner"]:
        raise SignatureError(
            f"key {key.public.fingerprint} does not hold role runner",
            fix="use a key under spec.roles.runner.keys",
        )
    documents = approval_files(space, "policies")
    judgement = judge_policy(
        documents, root=root, previous=previous, adopted=policy_set(space.policy_file), ring=ring
    )
    if judgement.refused:
        no = judgement.refused[0]
        raise SignatureError(
            f"{no.role} refused the policy: {no.reason} (key {no.key})",
            fix=f"change the policy; or the same key takes it back: dpgate approve policy --role {no.role} --key KEY",
        )
    lacking = missing(policy, policy.spec.policy_change.roles, judgement.signed)
    if lacking:
        role = next(iter(lacking))
        unfit = "".join(f"\n  {path}: {reason}" for path, reason in judgement.rejected)
        raise SignatureError(
            f"approvals of the policy are missing: {', '.join(lacking)}{unfit}",
            fix=f"dpgate approve policy --role {role} --key KEY",
        )
    return judgement.counted


def _first(policy: PrivacyPolicy) -> tuple[str, ...]:
    delta = short(policy.spec.accounting.delta)
    return tuple(
        f"first policy: lifetime limit of {name} is ε {plain(population.lifetime.epsilon)} at δ={delta}"
        for name, population in policy.spec.populations.items()
    )
