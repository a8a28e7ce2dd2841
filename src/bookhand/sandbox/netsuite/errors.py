"""NetSuite's refusals in its own shape.

>>> said(invalid("You must enter a value for Subsidiary.", path="subsidiary"))["o:errorDetails"][0]["o:errorCode"]
'INVALID_CONTENT'

Shape and examples: Oracle's help, "Error Handling in REST Web Services" (section_156570709583). The codes of business rules
(USER_ERROR with a sentence) are as integrations in public repositories show them; the sentences here are ours where marked UNVERIFIED.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

_TYPE = "https://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html"
_SECTIONS = {
    400: "#sec10.4.1",
    401: "",
    403: "#sec10.4.4",
    404: "#sec10.4.5",
    405: "#sec10.4.6",
    500: "#sec10.5.1",
}
_PREFIX = "Error while accessing a resource. "


class NetSuiteError(Exception):
    """What is answered instead; `where` is one of o:errorPath, o:errorQueryParam, o:errorHeader, o:errorUrl and its value."""

    def __init__(
        self, detail: str, *, code: str, status: int = 400, where: tuple[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code
        self.status = status
        self.where = where


def said(error: NetSuiteError) -> dict[str, Any]:
    """The body of the answer."""
    detail = {"detail": error.detail, "o:errorCode": error.code}
    if error.where:
        detail[error.where[0]] = error.where[1]
    return {
        "type": _TYPE + _SECTIONS.get(error.status, ""), "title": HTTPStatus(error.status).phrase, "status": error.status,
        "o:errorDetails": [detail],
    }  # fmt: skip


def invalid(detail: str, *, path: str) -> NetSuiteError:
    """A value of the body that cannot be."""
    return NetSuiteError(_PREFIX + detail, code="INVALID_CONTENT", where=("o:errorPath", path))


def user_error(detail: str, *, path: str | None = None) -> NetSuiteError:
    """A business rule says no."""
    return NetSuiteError(_PREFIX + detail, code="USER_ERROR", where=("o:errorPath", path) if path else None)


def unknown_reference(value: object, field: str, *, path: str) -> NetSuiteError:
    """A reference to what is not there, or is inactive."""
    return invalid(f"Invalid Field Value {value} for the following field: {field}", path=path)


def not_there(path: str) -> NetSuiteError:
    """No record of that id."""
    return NetSuiteError(
        "The record instance does not exist. Provide a valid record instance ID.", code="NONEXISTENT_ID", status=404,
        where=("o:errorUrl", path),
    )  # fmt: skip


def duplicate() -> NetSuiteError:
    """A second record of the same external id. UNVERIFIED: whether REST says DUP_RCRD or USER_ERROR with this sentence."""
    return NetSuiteError(_PREFIX + "This record already exists.", code="DUP_RCRD")


def bad_query(why: str) -> NetSuiteError:
    """A SuiteQL query that cannot be run (sentence as seen in public repositories)."""
    return NetSuiteError(
        f"Invalid search query. Detailed unprocessed description follows. Search error occurred: {why}", code="INVALID_PARAMETER",
        where=("o:errorQueryParam", "q"),
    )  # fmt: skip


def unauthorized() -> NetSuiteError:
    """No valid token."""
    return NetSuiteError(
        "Invalid login attempt. For more details, see the Login Audit Trail in the NetSuite UI at Setup > Users/Roles > User Management > "
        "View Login Audit Trail.", code="INVALID_LOGIN", status=401,
    )  # fmt: skip


def forbidden(what: str) -> NetSuiteError:
    """The role may not."""
    return NetSuiteError(
        f"Permission Violation: You need the '{what}' permission to access this page. Please contact your account administrator.",
        code="INSUFFICIENT_PERMISSION", status=403,
    )  # fmt: skip


def too_many(status: int) -> NetSuiteError:
    """Too many requests at once: 429, or 400 in some accounts."""
    return NetSuiteError(
        "Concurrent request limit exceeded. Request blocked.",
        code="CONCURRENCY_LIMIT_EXCEEDED",
        status=status,
    )


def broken() -> NetSuiteError:
    """NetSuite's own trouble."""
    return NetSuiteError(
        "An unexpected error occurred. Error ID: standin", code="UNEXPECTED_ERROR", status=500
    )
