"""A refusal in Stripe's shape.

    raise StripeError("No such charge: 'ch_x'", code="resource_missing", param="id", status=404)

A card error keeps what was written before it was raised (the attempt took place); every other error undoes its call.
"""

from __future__ import annotations

from typing import Any

JSON = dict[str, Any]

DOCS = "https://stripe.com/docs/error-codes/"


class StripeError(Exception):
    """What the answer says; `keep` overrides whether the writes of the failed call stay."""

    def __init__(
        self,
        message: str,
        *,
        type: str = "invalid_request_error",  # noqa: A002 - Stripe's own word
        code: str | None = None,
        param: str | None = None,
        status: int = 400,
        decline_code: str | None = None,
        extra: JSON | None = None,
        headers: dict[str, str] | None = None,
        keep: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.type = type
        self.code = code
        self.param = param
        self.status = status
        self.decline_code = decline_code
        self.extra = extra or {}
        self.headers = headers or {}
        self.keep = type == "card_error" if keep is None else keep

    def body(self, *, request_id: str, account: str | None, livemode: bool) -> JSON:
        """The JSON of the answer: `{"error": {...}}`, only with the keys that say something."""
        error: JSON = {"message": self.message, "type": self.type}
        if self.code:
            error["code"] = self.code
            error["doc_url"] = DOCS + self.code.replace("_", "-")
        if self.param:
            error["param"] = self.param
        if self.decline_code:
            error["decline_code"] = self.decline_code
        if account:
            mode = "" if livemode else "/test"
            error["request_log_url"] = f"https://dashboard.stripe.com/{account}{mode}/logs/{request_id}"
        return {"error": {**error, **self.extra}}


# Where Stripe's sentence does not use the object's own name with spaces.
NOUNS = {
    "payment_intent": "payment_intent",
    "payment_method": "PaymentMethod",
    "setup_intent": "setup_intent",
    "subscription_schedule": "subscription_schedule",
    "tax_rate": "tax_rate",
    "test_helpers.test_clock": "test clock",
}


def missing(object: str, id: str, *, param: str = "id", livemode: bool | None = None) -> StripeError:  # noqa: A002
    """No such object: 404 for the one the path names, 400 for one that a parameter names.

    Where it is in the other mode, `livemode` is the key's, and the sentence says so.
    """
    noun = NOUNS.get(object, object.replace("_", " "))
    status = 404 if param == "id" else 400
    sentence = f"No such {noun}: '{id}'"
    if livemode is not None:
        there, here = ("test", "live") if livemode else ("live", "test")
        sentence += (
            f"; a similar object exists in {there} mode, but a {here} mode key was used to make this request."
        )
    return StripeError(sentence, code="resource_missing", param=param, status=status)


def unknown_url(method: str, path: str) -> StripeError:
    """No route answers here."""
    return StripeError(
        f"Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs or we can help at "
        "https://support.stripe.com/.",
        status=404,
    )


def unknown_parameter(name: str) -> StripeError:
    """The endpoint has no such parameter."""
    return StripeError(f"Received unknown parameter: {name}", code="parameter_unknown", param=name)


def parameter_missing(name: str) -> StripeError:
    """A required parameter was not sent."""
    return StripeError(f"Missing required param: {name}.", code="parameter_missing", param=name)
