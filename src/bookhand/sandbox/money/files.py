"""Files: uploaded as multipart/form-data on the files host (or the API host), kept whole, fetched again.

    stripe.File.create(purpose="dispute_evidence", file=open("receipt.pdf", "rb"))

What a file is is seen from its first bytes, as Stripe looks at it, not from its name.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import TYPE_CHECKING

from bookhand.sandbox.stripe.call import Content
from bookhand.sandbox.stripe.errors import JSON, StripeError
from bookhand.sandbox.stripe.routes import route

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call, Upload

MEGABYTE = 1_000_000
# purpose: (largest size in megabytes, what it may be)
PURPOSES: dict[str, tuple[int, tuple[str, ...]]] = {
    "account_requirement": (10, ("pdf", "jpg", "png")),
    "additional_verification": (10, ("pdf", "jpg", "png")),
    "business_icon": (1, ("jpg", "png", "gif")),
    "business_logo": (1, ("jpg", "png", "gif")),
    "customer_signature": (4, ("jpg", "png", "gif")),
    "dispute_evidence": (5, ("pdf", "jpg", "png")),
    "identity_document": (10, ("pdf", "jpg", "png")),
    "issuing_regulatory_reporting": (10, ("pdf", "jpg", "png", "csv")),
    "pci_document": (10, ("pdf",)),
    "platform_terms_of_service": (10, ("pdf",)),
    "tax_document_user_upload": (10, ("pdf", "csv", "jpg", "png")),
    "terminal_reader_splashscreen": (10, ("jpg", "png", "gif")),
}
TYPES = {"pdf": "application/pdf", "jpg": "image/jpeg", "png": "image/png", "gif": "image/gif"}
MAGIC = ((b"%PDF-", "pdf"), (b"\xff\xd8\xff", "jpg"), (b"\x89PNG\r\n\x1a\n", "png"), (b"GIF8", "gif"))
CONTENTS = "_pinstripe.contents"
KEPT_DAYS = 365 * 8


@route("POST", "/v1/files")
def create_file(call: Call) -> JSON:
    """`purpose` and the `file` itself."""
    purpose = call.choice("purpose", tuple(PURPOSES), required=True) or ""
    sent = call.files.get("file")
    if sent is None:
        raise StripeError("Missing required param: file.", code="parameter_missing", param="file")
    kind = _check(sent, purpose)
    id_ = call.new_id("file")
    found: JSON = {
        "id": id_,
        "object": "file",
        "created": call.now,
        "expires_at": call.now + KEPT_DAYS * 86_400 if purpose == "dispute_evidence" else None,
        "filename": sent.filename or id_,
        "links": {"object": "list", "data": [], "has_more": False, "url": f"/v1/file_links?file={id_}"},
        "purpose": purpose,
        "size": len(sent.data),
        "title": call.text("title"),
        "type": kind,
        "url": f"https://files.stripe.com/v1/files/{id_}/contents",
    }
    call.add(found, stamp=False, purpose=purpose)
    call.add({"id": id_, "object": CONTENTS, "data": b64encode(sent.data).decode()}, stamp=False)
    return found


@route("GET", "/v1/files")
def list_files(call: Call) -> JSON:
    """By created and purpose."""
    return call.page("file", purpose=call.text("purpose"))


@route("GET", "/v1/files/{id}")
def retrieve_file(call: Call) -> JSON:
    """What is known of it."""
    return call.get("file", call.path["id"])


@route("GET", "/v1/files/{id}/contents")
def contents(call: Call) -> Content:
    """The bytes."""
    found = call.get("file", call.path["id"])
    stored = call.get(CONTENTS, found["id"])
    return Content(b64decode(stored["data"]), TYPES.get(found["type"], "application/octet-stream"))


def _check(sent: Upload, purpose: str) -> str:
    most, kinds = PURPOSES[purpose]
    if not sent.data:
        raise StripeError("The file you uploaded is empty.", param="file")
    if len(sent.data) > most * MEGABYTE:
        raise StripeError(
            f"The file you uploaded is too large ({len(sent.data)} bytes). The maximum size for {purpose} is {most} MB.",
            param="file",
        )
    kind = next(
        (name for start, name in MAGIC if sent.data.startswith(start)), "csv" if "csv" in kinds else ""
    )
    if kind not in kinds:
        raise StripeError(
            f"The file type you uploaded is not supported for {purpose}. Supported types are: {', '.join(kinds)}.",
            param="file",
        )
    return kind
