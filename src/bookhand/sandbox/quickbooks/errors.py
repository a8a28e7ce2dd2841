"""Intuit's errors: ``{"Fault": {"Error": [{"Message", "Detail", "code", "element"}], "type"}, "time"}``."""

from __future__ import annotations

from bookhand.sandbox.outside.standin import JSON


class QuickBooksFault(Exception):  # noqa: N818 (Intuit's own word)
    """An answer that refuses."""

    def __init__(
        self,
        code: str,
        message: str,
        detail: str = "",
        *,
        element: str = "",
        status: int = 400,
        kind: str = "ValidationFault",
    ) -> None:
        super().__init__(f"{code} {message}: {detail}")
        self.code = code
        self.status = status
        self.kind = kind
        self.error: JSON = {"Message": message, "Detail": detail, "code": code, "element": element}

    def as_json(self) -> JSON:
        """The Fault, without the time."""
        return {"Error": [self.error], "type": self.kind}


def business(detail: str) -> QuickBooksFault:
    """6000: a rule of accounting."""
    message = "A business validation error has occurred while processing your request"
    return QuickBooksFault("6000", message, f"Business Validation Error: {detail}")


def missing(element: str) -> QuickBooksFault:
    """2020: a parameter that must be there."""
    return QuickBooksFault(
        "2020",
        "Required param missing, need to supply the required value for the API",
        f"Required parameter {element} is missing in the request",
        element=element,
    )


def too_long(element: str, most: int) -> QuickBooksFault:
    """2050: a text of the wrong length."""
    return QuickBooksFault(
        "2050",
        "String length is either shorter or longer than supported by specification",
        f"String length specified does not match the supported length. Min:0 Max:{most} supported. {element}",
        element=element,
    )


def invalid_reference(what: str) -> QuickBooksFault:
    """2500: an id of nothing."""
    return QuickBooksFault("2500", "Invalid Reference Id", f"Invalid Reference Id : {what}")


def not_found(detail: str) -> QuickBooksFault:
    """610: not there, or made inactive."""
    return QuickBooksFault("610", "Object Not Found", f"Object Not Found : {detail}")


def unsupported(detail: str) -> QuickBooksFault:
    """500: what QuickBooks, or this stand-in of it, does not do."""
    return QuickBooksFault("500", "Unsupported Operation", f"Operation {detail} is not supported.")


def unauthorized(detail: str) -> QuickBooksFault:
    """3200, with HTTP 401: the token is refused."""
    message = f"message=AuthenticationFailed; errorCode=003200; statusCode=401; {detail}"
    return QuickBooksFault("3200", message, detail, status=401, kind="AUTHENTICATION")


def throttled(detail: str) -> QuickBooksFault:
    """003001, with HTTP 429: too many calls."""
    message = "message=ThrottleExceeded; errorCode=003001; statusCode=429"
    return QuickBooksFault("3001", message, detail, status=429, kind="THROTTLE")


def broken() -> QuickBooksFault:
    """An internal error, HTTP 500."""
    return QuickBooksFault(
        "-1", "Internal Server Error", "An error occurred.", status=500, kind="SystemFault"
    )
