"""The key pair that bookhand signs in to NetSuite with: made here, the private half sealed, the public half shown to be uploaded.

    made = make("1234567", now=datetime.now(UTC))        # EC P-256, for ES256; valid for two years less a day, NetSuite's longest
    problem = expiry_problem(made.expires, today="2028-09-20", subject="1234567")

A certificate may be of EC P-256 and valid for two years at most (Oracle's help, subsect_162755332391). Nobody renews it but a person, so
a Problem stands from sixty days ahead.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bookhand.core.problems import Problem
from bookhand.core.ready import ready

ALGORITHM = "ES256"
EXPIRING = "netsuite_certificate_expires"
_LIFE = timedelta(days=729)
_AHEAD_DAYS = 60


class KeyPair(msgspec.Struct, frozen=True, kw_only=True):
    """Both halves in PEM, and the certificate's last day (ISO). Sealed as JSON, never logged."""

    private_pem: str
    certificate_pem: str
    expires: str

    def __repr__(self) -> str:
        """Without the key."""
        return f"KeyPair(expires={self.expires!r})"


def make(account: str, *, now: datetime) -> KeyPair:
    """A new pair for one account."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"bookhand {account}")])
    begins, ends = now - timedelta(minutes=5), now + _LIFE
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return KeyPair(
        private_pem=private.decode(),
        certificate_pem=certificate.public_bytes(serialization.Encoding.PEM).decode(),
        expires=ends.date().isoformat(),
    )


def expiry_problem(expires: str, *, today: str, subject: str) -> Problem | None:
    """What a person has to know of a certificate that ends within sixty days, or has ended."""
    left = (date.fromisoformat(expires) - date.fromisoformat(today)).days
    if left > _AHEAD_DAYS:
        return None
    when = f"expires on {expires}, in {left} days" if left >= 0 else f"expired on {expires}"
    return Problem(
        kind=EXPIRING, subject=subject,
        message=f"The certificate that bookhand signs in to NetSuite account {subject} with {when}. Make a new one: "
        f"`bookhand connect netsuite --account {subject} --new-certificate`.",
    )  # fmt: skip


ready(KeyPair)  # see core.ready
