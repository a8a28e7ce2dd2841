"""Passkeys (WebAuthn) by py_webauthn, pure: the challenge is given, and what the browser said is checked against it.

    site = Site(host="books.example.com", origin="https://books.example.com")
    new_options(site, person, challenge=…, known=[…])           # JSON for navigator.credentials.create
    made(site, said, challenge=…)                               # a Passkey to keep, or `Refusal`
    options(site, challenge=…, known=[…])                       # JSON for navigator.credentials.get
    used(site, said, passkey, challenge=…)                      # the new sign count, or `Refusal`

The authenticator must have verified its person (a finger, a face, a PIN), so a passkey alone is two factors.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from bookhand.core.problems import Refusal
from bookhand.workspace.people.person import Person, fingerprint

CHALLENGE_BYTES = 32


@dataclass(frozen=True, slots=True)
class Site:
    """The name and the origin that a passkey is bound to; it answers no other."""

    host: str
    origin: str


class Passkey(msgspec.Struct, frozen=True, kw_only=True):
    """A passkey as it is kept: its public half."""

    credential_id: bytes
    person_id: int
    public_key: bytes
    sign_count: int


def new_options(
    site: Site, person: Person, *, challenge: bytes, known: Sequence[bytes] = ()
) -> dict[str, Any]:
    """What a browser needs to make a passkey for `person`; not a second one on an authenticator that has one of `known`."""
    asked = generate_registration_options(
        rp_id=site.host,
        rp_name="bookhand",
        user_name=person.email,
        user_id=f"{person.workspace_id}/{person.id}".encode(),
        user_display_name=person.name,
        challenge=challenge,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=each) for each in known],
    )
    return dict(json.loads(options_to_json(asked)))


def made(site: Site, said: dict[str, Any], *, challenge: bytes, person_id: int) -> Passkey:
    """The passkey that a browser made; `Refusal` where it is not for this site, this challenge, or not verified."""
    try:
        found = verify_registration_response(
            credential=said, expected_challenge=challenge, expected_rp_id=site.host, expected_origin=site.origin,
            require_user_verification=True,
        )  # fmt: skip
    except (WebAuthnException, ValueError, KeyError, TypeError):
        raise _refused() from None
    return Passkey(
        credential_id=found.credential_id, person_id=person_id, public_key=found.credential_public_key,
        sign_count=found.sign_count,
    )  # fmt: skip


def options(site: Site, *, challenge: bytes, known: Sequence[bytes] = ()) -> dict[str, Any]:
    """What a browser needs to sign in with one of `known`, or with any passkey that it has for this site."""
    asked = generate_authentication_options(
        rp_id=site.host,
        challenge=challenge,
        allow_credentials=[PublicKeyCredentialDescriptor(id=each) for each in known] or None,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return dict(json.loads(options_to_json(asked)))


def id_of(said: dict[str, Any]) -> bytes:
    """Which passkey a browser's answer is of."""
    try:
        return base64url_to_bytes(str(said["id"]))
    except (KeyError, ValueError):
        raise _refused() from None


def used(site: Site, said: dict[str, Any], passkey: Passkey, *, challenge: bytes) -> int:
    """The passkey's new count; `Refusal` where the answer is not its own, for this site and this challenge, or was copied."""
    try:
        found = verify_authentication_response(
            credential=said, expected_challenge=challenge, expected_rp_id=site.host, expected_origin=site.origin,
            credential_public_key=passkey.public_key, credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )  # fmt: skip
    except (WebAuthnException, ValueError, KeyError, TypeError):
        raise _refused() from None
    return found.new_sign_count


def _refused() -> Refusal:
    return Refusal("The passkey was not accepted: try again, or sign in with your password.")


def challenge_of(step: str) -> bytes:
    """What a passkey has to sign in this step of a sign-in."""
    return fingerprint(f"bookhand passkey {step}")
