"""`waive`: sign one role's consent to a waiver, bound to its bytes, the repository and the policy."""

from __future__ import annotations

import difflib
import secrets
from pathlib import Path

from dpgate.errors import UsageError
from dpgate.gate.approvals import subjects
from dpgate.gate.signed import ground_of, offer_of
from dpgate.gate.signing import must_hold, write
from dpgate.gate.standing import Standing, open_standing
from dpgate.gate.waiver_results import WaiveResult
from dpgate.gate.waivers import Decided, Ground, Offer, decide
from dpgate.gate.waivers_told import unfit, waiving
from dpgate.gate.workspace import Workspace, now, workspace
from dpgate.ledger import envelope
from dpgate.ledger.signers.interface import Signer
from dpgate.ledger.statement import statement
from dpgate.loading.repository import WAIVERS
from dpgate.model.record import WaiverApproval
from dpgate.policy.facts import clock
from dpgate.policy.rulebook import rules_for


def waive(
    waiver: str, *, role: str, key: Signer, repo: Path | str = ".", offline: bool = False
) -> WaiveResult:
    """Sign a waiver.

    Args:
        waiver: name of a document `policies/waivers/NAME.yaml`.
        role: the role that signs; the key must be one of its keys.
        key: private key of the signer.
        repo: a release repository, or a folder in it.
        offline: use the ledger as this clone last fetched it.

    Returns:
        Where the signature was written, and who has still to sign; commit that file.

    Raises:
        SignatureError: the key does not hold the role.
        UsageError: there is no such waiver, or none that could be in force.
    """
    space = workspace(Path(repo))
    offer = _find(space, waiver)
    standing = open_standing(space, offline=offline)
    ground = ground_of(standing, clock(standing.policy, now()))
    _may_sign(space, standing, offer, ground, role)
    must_hold(ground.ring, role, key)
    path = write(
        space.root / WAIVERS / offer.name / "approvals",
        role,
        key,
        _sealed(offer, standing, role, key),
    )
    shown = path.relative_to(space.root).as_posix()
    return _result(offer_of(space, offer.file), ground, role, key, shown)


def _result(offer: Offer, ground: Ground, role: str, key: Signer, path: str) -> WaiveResult:
    """What a signature was added to, judged again with it."""
    after, spec = _decided(offer, ground), offer.waiver.spec
    further = f"dpgate plan {spec.release}"
    if after.lacking:
        further = f"dpgate waive {offer.name} --role {next(iter(after.lacking))} --key KEY"
    return WaiveResult(
        waiver=offer.name,
        rule=spec.rule,
        release=spec.release,
        ticket=spec.ticket,
        role=role,
        key=key.public.fingerprint,
        path=path,
        expires=str(spec.expires),
        in_force=bool(after),
        lacking=tuple(after.lacking),
        next=f"git add {path} && git commit; then: {further}",
    )


def _find(space: Workspace, name: str) -> Offer:
    name = name.removeprefix(f"{WAIVERS}/").removesuffix(".yaml")
    known = space.documents.waivers
    if name in known:
        return offer_of(space, known[name])
    close = difflib.get_close_matches(name, known, n=1)
    write = f"write {WAIVERS}/{name}.yaml, a document of kind Waiver, then sign it"
    fix = f"did you mean {close[0]}?" if close else write
    raise UsageError(f"no waiver {WAIVERS}/{name}.yaml", fix=fix)


def _decided(offer: Offer, ground: Ground) -> Decided:
    (decided,) = decide((offer,), offer.waiver.spec.release, ground)
    return decided


def _may_sign(
    space: Workspace, standing: Standing, offer: Offer, ground: Ground, role: str
) -> None:
    """Raise where the signature could never count."""
    case = space.case(offer.waiver.spec.release)
    rules = rules_for(standing.policy_file, case.dataset_file)
    found = waiving((offer,), case.name, rules, ground)
    (decided,) = found.decided
    if decided.state in ("expired", "refused"):
        raise UsageError(
            f"{offer.name} can't be in force: {decided.why}",
            fix="change the waiver, or have the policy changed; then sign",
        )
    wrong = unfit(decided.rule, found.known, found.consent)
    if wrong is not None:
        raise UsageError(f"{offer.name} {wrong.message}", fix=wrong.fix)
    wanted = standing.policy.spec.waivers.roles if standing.policy.spec.waivers else ()
    if role not in wanted:
        known = ", ".join(wanted)
        raise UsageError(f"role {role} has no say in waivers", fix=f"roles that have: {known}")


def _sealed(offer: Offer, standing: Standing, role: str, key: Signer) -> bytes:
    spec = offer.waiver.spec
    predicate = WaiverApproval(
        root=standing.root,
        waiver=offer.file.digest,
        rule=spec.rule,
        release=spec.release,
        role=role,
        policy_set=standing.policy_set,
        expires=spec.expires,
        nonce=secrets.token_hex(16),
    )
    payload = statement(predicate, subjects(predicate)).payload()
    return envelope.seal(payload, [key]).to_bytes()
