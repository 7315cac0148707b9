"""Roles and their keys, as a policy names them."""

from __future__ import annotations

from collections.abc import Mapping

from dpgate.errors import KeyFileError, PolicyError
from dpgate.ledger.keys import PublicKey, parse_public
from dpgate.model.policy import PrivacyPolicy

Keyring = Mapping[str, tuple[PublicKey, ...]]
"""Keys of each role."""


def keyring(policy: PrivacyPolicy) -> Keyring:
    """Keys of every role that has any.

    Raises:
        PolicyError: a key cannot be read, or stands twice: one person must not count as two.
    """
    owners: dict[PublicKey, str] = {}
    ring: dict[str, tuple[PublicKey, ...]] = {}
    for role, rule in policy.spec.roles.items():
        keys = []
        for number, text in enumerate(rule.keys, start=1):
            try:
                key = parse_public(text)
            except KeyFileError as error:
                raise PolicyError(
                    f"key {number} of role {role}: {error.message}", fix=error.fix
                ) from None
            if key in owners:
                raise PolicyError(
                    f"key {key.fingerprint} stands under role {owners[key]} and again under {role}",
                    fix="give each role keys of its own, so that no one person can approve as two",
                )
            owners[key] = role
            keys.append(key)
        ring[role] = tuple(keys)
    return ring


def allowed_signers(ring: Keyring) -> str:
    """An OpenSSH ``allowed_signers`` file, so that Git shows commits of the engine as good."""
    rows = [
        f'{role}@dpgate namespaces="git" {key.line}' for role, keys in ring.items() for key in keys
    ]
    return "\n".join(rows) + "\n"
