"""Opening a ledger: read a tip, link it up, and decide whether its root may be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dpgate.errors import ChainError, UndecidedError
from dpgate.gate.workspace import Workspace, policy_of, policy_set
from dpgate.ledger.chain import Chain, link_up, read
from dpgate.ledger.memory import Memory, known_roots
from dpgate.ledger.store import Store, Tip
from dpgate.loading.canonical import sha256
from dpgate.loading.documents import Loaded, load
from dpgate.model.policy import PrivacyPolicy
from dpgate.model.record import Document, Genesis, PolicyAdopted


@dataclass(frozen=True)
class OpenLedger:
    """The ledger as one tip holds it, linked up but not yet judged."""

    store: Store
    tip: Tip
    chain: Chain
    policy_file: Loaded

    @property
    def policy(self) -> PrivacyPolicy:
        """The policy in force."""
        return policy_of(self.policy_file)

    @property
    def policy_set(self) -> str:
        """Digest of the policy set in force."""
        return policy_set(self.policy_file)

    @property
    def adopted_by(self) -> str:
        """Digest of the entry that put this policy in force: what approvals of the next one name."""
        kinds = (Genesis, PolicyAdopted)
        return next(x.digest for x in reversed(self.chain.links) if isinstance(x.entry, kinds))


def loaded_document(document: Document) -> Loaded:
    """A document embedded in a record, read again from its text.

    Raises:
        ChainError: its text is not what its digest says.
    """
    loaded = load(document.path, document.text.encode())
    if loaded.digest != document.sha256:
        raise ChainError(f"{document.path}: the recorded text does not match its recorded digest")
    return loaded


def embed(loaded: Loaded, root: Path) -> Document:
    """A document as records embed it."""
    path = Path(loaded.file)
    shown = path.resolve().relative_to(root).as_posix() if path.is_absolute() else path.as_posix()
    return Document(path=shown, sha256=loaded.digest, text=loaded.data.decode())


def open_ledger(space: Workspace, *, offline: bool) -> OpenLedger:
    """Read the ledger from the remote, or from what this clone holds.

    Raises:
        UndecidedError: there is no ledger yet.
        RemoteError: the remote cannot be reached.
        LedgerError: the chain does not hold together.
    """
    store = Store(space.root, branch=policy_of(space.policy_file).spec.ledger.branch)
    tip = store.local_tip() if offline else store.fetch()
    if not tip.files:
        raise UndecidedError(
            "no policy was adopted yet, so nothing can be released",
            fix="approve the policy (dpgate approve policy --role ROLE --key KEY), commit, "
            "then: dpgate policy adopt --key RUNNER_KEY",
        )
    chain = link_up(read(tip.files))
    if chain.root in known_roots():
        Memory(chain.root).check(chain)
    return OpenLedger(store, tip, chain, loaded_document(chain.policy))


def require_root(space: Workspace, root: str, *, offline: bool) -> None:
    """Raise unless the ledger begins with the entry that this digest names; nothing is remembered.

    Raises:
        ChainError: it is another ledger.
        UndecidedError: there is no ledger.
    """
    store = Store(space.root, branch=policy_of(space.policy_file).spec.ledger.branch)
    files = (store.local_tip() if offline else store.fetch()).files
    if not files:
        raise UndecidedError("the remote holds no ledger", fix="dpgate policy adopt starts one")
    found = sha256(files[min(files)])
    if found != root:
        raise _another(found, root)


def trust(chain: Chain, root: str | None) -> Memory:
    """The memory of a chain whose root was given or seen before.

    Raises:
        ChainError: the root given is not this chain's, or the chain does not extend what was seen.
        UndecidedError: no root was given and none is known.
    """
    if root is not None and root != chain.root:
        raise _another(chain.root, root)
    if root is None and chain.root not in known_roots():
        raise UndecidedError(
            "this machine has not seen this repository's ledger before, and no root was given",
            fix="--root sha256:…, the genesis digest that the repository's owners publish elsewhere",
        )
    memory = Memory(chain.root)
    memory.check(chain)
    return memory


def _another(found: str, wanted: str) -> ChainError:
    return ChainError(
        f"the ledger's root is {found}, not {wanted}",
        fix="this is another repository, or one signed again from the start: do not trust it",
    )
