"""What a runner's own word is worth: every value of every entry changed, and all signed again.

Whoever holds the runner's key may say of a few things what they like, and no record can tell. They stand
below, each with its reason. A change of any other value must be found.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from dpgate.errors import LedgerError
from dpgate.gate.verify import audit
from dpgate.ledger import envelope
from dpgate.ledger.chain import Chain, Link
from dpgate.ledger.keys import PrivateKey
from dpgate.loading.canonical import canonical, sha256
from dpgate.model.draw import Asked
from dpgate.model.values import plain
from tests.corpus.scene import SECOND, Scene

OWN_WORD = {
    "policy-adopted approvals.path": "where a file lay; its bytes count",
    "reserve approvals.path": "where a file lay; its bytes count",
    "reserve claim.epsilon": "may be claimed higher, never lower",
    "reserve claim.person_epsilon": "may be claimed higher, never lower",
    "reserve events.scale": "more noise than was paid for; whether it was drawn, nobody sees",
    "reserve events.times": "fewer runs than were paid for",
    "settle artifacts.sealed": "which of its files are for the stewards",
    "settle evidence.ciphertext": "what the stewards were sent",
    "settle evidence.conditional_on": "what it says it measured",
    "settle evidence.confidence": "what it says it measured",
    "settle evidence.details": "its own words about the output",
    "settle evidence.high": "what it says it measured, within the threshold",
    "settle evidence.low": "what it says it measured",
    "settle evidence.marginals": "what it says it measured",
    "settle evidence.metric": "further metrics that no threshold asks for",
    "settle evidence.value": "what it says it measured, within the threshold",
    "withdraw reason": "its own words",
}
"""Kind of entry and value: why nobody can tell."""

Path = tuple[str | int, ...]


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value that is no list and no object, and where it stands."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items:
            yield from leaves(inner, (*path, key))
    else:
        yield path, value


def changed(body: Any, path: Path, value: Any) -> Any:
    copy = inner = json.loads(json.dumps(body))
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return copy


def others(value: Any) -> list[Any]:
    """Values of the same kind, a little off."""
    if isinstance(value, bool | int):
        return [not value] if isinstance(value, bool) else [value + 1, value - 1]
    if value is None:
        return ["x"]
    if re.fullmatch(r"\d+(\.\d+)?", value):
        number = Decimal(value)
        factors = (Decimal("1.001"), Decimal("0.999"))
        return [plain(number * factor) for factor in factors] if number else ["0.001"]
    if value.startswith("sha256:"):
        return ["sha256:" + "0" * 64]
    if re.match(r"\d{4}-\d\d-\d\dT", value):
        return [year + value[4:] for year in ("2019", "2999")]
    return [value + "x", value[:-1] or "y"]


def signed_again(chain: Chain, number: int, body: Any, key: PrivateKey) -> dict[str, bytes]:
    """The chain with what one entry signs replaced, and links and signatures from there on redone."""
    files: dict[str, bytes] = {}
    renamed: dict[str, str] = {}
    previous = ""
    for link in chain.links:
        data = link.envelope.to_bytes()
        if link.entry.sequence >= number:
            mine = body if link.entry.sequence == number else json.loads(link.envelope.payload)
            if link.entry.sequence > number:
                text = json.dumps(changed(mine, ("predicate", "previous"), previous))
                for old, new in renamed.items():
                    text = text.replace(old[7:], new[7:])
                mine = json.loads(text)
            data = envelope.seal(canonical(mine), [key]).to_bytes()
        previous = renamed[link.digest] = sha256(data)
        files[link.name] = data
    return files


def passes(files: dict[str, bytes], root: str) -> bool:
    try:
        audit(files, root)
    except LedgerError:
        return False
    return True


def unnoticed(chain: Chain, links: tuple[Link, ...], key: PrivateKey) -> tuple[set[str], int]:
    """Values of these entries that can be changed, and how many changes were tried."""
    found: set[str] = set()
    tried = 0
    for link in links:
        kind = link.name[7:].removesuffix(".dsse.json")
        body = json.loads(link.envelope.payload)
        for path, value in leaves(body):
            for other in others(value):
                tried += 1
                files = signed_again(chain, link.entry.sequence, changed(body, path, other), key)
                if passes(files, chain.root):
                    named = ".".join(str(part) for part in path[1:] if isinstance(part, str))
                    found.add(f"{kind} {named}")
    return found, tried


def test_only_these_values_rest_on_the_runners_word(scene: Scene) -> None:
    chain = scene.chain
    found, tried = unnoticed(chain, chain.links[1:], scene.team.key("runner"))
    assert tried > 500
    assert found == OWN_WORD.keys()


def test_nothing_that_a_draw_says_rests_on_the_runners_word(scene: Scene) -> None:
    """It names its settlement by digest, and its files what was asked."""
    key = scene.team.key("runner")
    asked: Asked = {"rows": 9, "where": ["reason=acute"], "balance": "clinic=north|south"}
    model = scene.team.folder / "second-files/model.dpgate"
    scene.team.api.sample(SECOND, asked, key=key, model=model)
    found, tried = unnoticed(scene.chain, scene.chain.links[-1:], key)
    assert tried > 40
    assert found == set()
