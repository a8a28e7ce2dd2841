"""Reading a request's parameters, each validated or refused in Stripe's words.

params = Params({"amount": "500", "card": {"number": "4242"}, "items": [{"price": "price_1"}]})
params.integer("amount", required=True)   # 500
params.text("card[number]")               # '4242'
params.sub("items", 0).text("price")      # 'price_1'; an error names items[0][price]
"""

from __future__ import annotations

from typing import Any

from bookhand.sandbox.stripe.errors import JSON, StripeError, parameter_missing
from bookhand.sandbox.stripe.forms import text as wire_text

INTEGERS = 2**63 - 1


class Params:
    """Nested parameters and the name under which they were sent."""

    def __init__(self, params: JSON, prefix: str = "") -> None:
        self.params = params
        self._prefix = prefix

    def value(self, name: str) -> Any:
        """What was sent under a name, possibly nested; None if nothing was."""
        if "[" not in name:
            return self.params.get(name)
        node: Any = self.params
        for part in name.replace("]", "").split("["):
            if isinstance(node, dict):
                node = node.get(part)
            elif isinstance(node, list) and part.isdecimal() and int(part) < len(node):
                node = node[int(part)]
            else:
                return None
        return node

    def sent(self, name: str) -> bool:
        """Was it sent at all (perhaps empty, to unset it)?"""
        return self.value(name) is not None

    def text(
        self,
        name: str,
        *,
        required: bool = False,
        max: int = 5000,  # noqa: A002
        default: str | None = None,
    ) -> str | None:
        """A string; an empty one is the default, or an error when required."""
        found = self.value(name)
        if found is None:
            return self._absent(name, default, required=required)
        if isinstance(found, (dict, list)):
            raise StripeError(
                f"Invalid string: {found}", param=self.named(name), code="parameter_invalid_string"
            )
        if found == "":
            if required:
                raise self.empty(name)
            return default
        if len(found) > max:
            raise StripeError(
                f"Invalid string: {found[:10]}...{found[-10:]}; must be at most {max} characters",
                param=self.named(name),
            )
        return str(found)

    def integer(
        self,
        name: str,
        *,
        required: bool = False,
        default: int | None = None,
        min: int | None = None,  # noqa: A002
        max: int | None = None,  # noqa: A002
    ) -> int | None:
        """A whole number within its bounds."""
        found = self.text(name, required=required)
        if found is None:
            return default
        try:
            number = int(found)
        except ValueError:
            raise StripeError(
                f"Invalid integer: {found}", code="parameter_invalid_integer", param=self.named(name)
            ) from None
        if min is not None and number < min:
            raise StripeError(
                f"This value must be greater than or equal to {min}.",
                code="parameter_invalid_integer",
                param=self.named(name),
            )
        if number > (INTEGERS if max is None else max):
            raise StripeError(
                f"This value must be less than or equal to {INTEGERS if max is None else max}.",
                code="parameter_invalid_integer",
                param=self.named(name),
            )
        return number

    def boolean(self, name: str, *, required: bool = False, default: bool | None = None) -> bool | None:
        """True or false."""
        found = self.text(name, required=required)
        if found is None:
            return default
        if found in ("true", "True", "1"):
            return True
        if found in ("false", "False", "0"):
            return False
        raise StripeError(f"Invalid boolean: {found}", param=self.named(name))

    def choice(
        self,
        name: str,
        options: tuple[str, ...] | list[str] | frozenset[str],
        *,
        required: bool = False,
        default: str | None = None,
    ) -> str | None:
        """One of the given words."""
        found = self.text(name, required=required)
        if found is None:
            return default
        if found not in options:
            words = sorted(options) if isinstance(options, frozenset) else list(options)
            allowed = ", ".join(words[:-1]) + f", or {words[-1]}" if len(words) > 1 else words[0]
            raise StripeError(f"Invalid {self.named(name)}: must be one of {allowed}", param=self.named(name))
        return found

    def mapping(self, name: str) -> JSON:
        """A nested object; empty when it was not sent, or sent empty."""
        found = self.value(name)
        if found in (None, "", []):
            return {}
        if isinstance(found, list):
            return {str(at): inner for at, inner in enumerate(found)}
        if not isinstance(found, dict):
            raise StripeError(f"Invalid object: {found}", param=self.named(name))
        return found

    def listing(self, name: str) -> list[Any]:
        """A list; empty when it was not sent, or sent empty."""
        found = self.value(name)
        if found is None or found == "":
            return []
        if not isinstance(found, list):
            raise StripeError("Invalid array", param=self.named(name))
        return found

    def metadata(self, name: str = "metadata", old: JSON | None = None) -> dict[str, str]:
        """Metadata laid over the old: an empty value unsets a key, an empty mapping unsets all."""
        found = self.value(name)
        if found == "":
            return {}
        merged = {**(old or {})}
        for key, value in self.mapping(name).items():
            if isinstance(value, (dict, list)):
                raise StripeError("Metadata values must be strings.", param=self.named(f"{name}[{key}]"))
            if len(key) > 40 or len(value) > 500:
                what = "keys can have up to 40" if len(key) > 40 else "values can have up to 500"
                raise StripeError(f"Metadata {what} characters.", param=self.named(f"{name}[{key}]"))
            if value == "":
                merged.pop(key, None)
            else:
                merged[key] = wire_text(value)
        if len(merged) > 50:
            raise StripeError("Metadata can have up to 50 keys.", param=self.named(name))
        return merged

    def timestamp(self, name: str, *, required: bool = False, default: int | None = None) -> int | None:
        """Seconds since 1970."""
        found = self.text(name, required=required)
        if found is None:
            return default
        if not found.isdecimal() or len(found) > 11:
            raise StripeError(
                "Invalid timestamp: must be an integer Unix timestamp in the past or future.",
                param=self.named(name),
            )
        return int(found)

    def sub(self, name: str, index: int | None = None) -> Params:
        """The parameters inside one object, or inside one item of a list."""
        found = self.value(name)
        if index is not None:
            items = found if isinstance(found, list) else []
            found = items[index] if index < len(items) else None
            name = f"{name}[{index}]"
        return Params(found if isinstance(found, dict) else {}, self.named(name))

    def subs(self, name: str) -> list[Params]:
        """The parameters inside each item of a list."""
        return [self.sub(name, at) for at in range(len(self.listing(name)))]

    def named(self, name: str) -> str:
        """The full name as it was sent: `items[0][price]`."""
        if not self._prefix:
            return name
        head, bracket, rest = name.partition("[")
        return f"{self._prefix}[{head}]{bracket}{rest}"

    def empty(self, name: str) -> StripeError:
        """An empty string where a value must be."""
        return StripeError(
            f"You passed an empty string for '{self.named(name)}'. We assume empty values are an attempt to unset a "
            f"parameter; however '{self.named(name)}' cannot be unset. You should remove '{self.named(name)}' from "
            "your request or supply a non-empty value.",
            code="parameter_invalid_empty",
            param=self.named(name),
        )

    def _absent(self, name: str, default: str | None, *, required: bool) -> str | None:
        if required:
            raise parameter_missing(self.named(name))
        return default
