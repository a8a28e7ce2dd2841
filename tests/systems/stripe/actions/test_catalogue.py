"""The catalogue against the installed SDK: each path, parameter and field is Stripe's, each has its words, none is there twice."""

from __future__ import annotations

from collections import Counter
from typing import get_args

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError
from tests.sandbox.honesty import python_sdk
from tests.sandbox.stripe.sdk_parameters import endpoints

from bookhand.core.action import MARKER
from bookhand.sandbox.stripe.parameters import named
from bookhand.systems.stripe import EVENTS
from bookhand.systems.stripe.actions import ACTIONS, EVENT_KINDS, READS, fields
from bookhand.systems.stripe.performing.asked import placed
from bookhand.systems.stripe.performing.looking_client import takes_created

SPOKEN = [action for action in ACTIONS if action.call is not None]


@pytest.mark.parametrize("action", SPOKEN, ids=lambda action: action.name)
def test_every_path_and_parameter_is_one_of_stripes(action):
    names = set(action.params.model_fields)
    path, sent = placed(action.call.path, {**dict.fromkeys(names, "x"), **action.call.fixed})
    takes = endpoints().get(named(action.call.way, action.call.path))
    assert path.startswith("/v1/")
    assert takes is not None, f"{action.call.way} {action.call.path} is no endpoint of the SDK"
    if action.call.upload:
        return  # its content is sent as `file`
    assert set(sent) <= takes | {"expand"}


@pytest.mark.parametrize("action", READS, ids=lambda action: action.name)
def test_every_field_that_is_promised_is_on_stripes_object(action):
    if action.call is None:
        return
    known = set(python_sdk.shape(action.result.object).load())
    assert set(action.result.fields) - {"deleted"} <= known


class Named(dict):
    """Values that have whatever is asked for."""

    def __missing__(self, name):
        return "x_1"


LISTS = [a.call.path for a in READS if a.call and a.result.many and a.verb != "search"]
LOOKED = [a.lookup.listed(Named()).path for a in ACTIONS if a.lookup and a.lookup.listed]


@pytest.mark.parametrize("path", sorted({*LISTS, *LOOKED}))
def test_a_list_is_narrowed_by_time_only_where_stripe_can(path):
    steps = ["{}" if step == "x_1" or "{" in step else step for step in path.split("/")]
    assert takes_created(path) == ("created" in endpoints()[f"GET {'/'.join(steps)}"])


def test_no_name_is_there_twice():
    twice = [name for name, count in Counter(action.name for action in ACTIONS).items() if count > 1]
    assert not twice


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_everything_has_its_words(action):
    assert action.summary
    assert action.when
    assert action.scope.startswith("rak_")
    assert action.limits
    assert action.result.fields
    assert not list(_wordless(action.params))


def _wordless(model, inside=""):
    for name, field in model.model_fields.items():
        if not field.description:
            yield f"{inside}{name}"
        for inner in _models(field.annotation):
            yield from _wordless(inner, f"{inside}{name}.")


def _models(annotation):
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_parameters_have_a_json_schema_and_take_no_unknown_name(action):
    schema = action.params.model_json_schema()
    assert schema["additionalProperties"] is False
    with pytest.raises(ValidationError, match="Extra inputs"):
        action.params.model_validate({"colour": "red"})


def test_reads_are_reads_and_change_nothing():
    assert {action.risk for action in READS} == {"read"}
    by_post = [action.call.path for action in READS if action.call and action.call.way != "GET"]
    assert by_post == ["/v1/invoices/create_preview"]


def test_each_event_is_in_exactly_one_kind():
    types = Counter(type_ for kind in EVENT_KINDS for type_ in kind.types)
    assert set(types) == set(EVENTS)
    assert set(types.values()) == {1}
    assert len({kind.name for kind in EVENT_KINDS}) == len(EVENT_KINDS)


@pytest.mark.parametrize(
    ("type_", "given", "sentence"),
    [
        (fields.ChargeId, "re_1", "not the id of a charge: it begins with ch_ or py_"),
        (fields.ChargeId, "ch_1/refund", "not the id of a charge"),
        (fields.SubscriptionId, "sub_sched_1", "not the id of a subscription"),
        (fields.ProductId, "../charges", "letters, digits"),
        (fields.ProductId, "..", "letters, digits"),
        (fields.Currency, "zzz", "not known"),
        (fields.Moment, "yesterday", "Unix seconds, or ISO 8601"),
        (fields.Moment, 1_772_323_200_000, "milliseconds"),
        (fields.Moment, True, "Unix seconds"),
        (fields.Moment, 1.5, "Unix seconds"),
        (fields.Minor, 0, "greater than 0"),
        (fields.Minor, 15.0, "valid integer"),
        (fields.Minor, "15", "valid integer"),
        (fields.Metadata, {MARKER: "7"}, "bookhand's own"),
        (fields.Metadata, {"a[b]": "7"}, "square brackets"),
        (fields.Metadata, {"a": "x" * 501}, "Stripe takes 500"),
        (fields.Metadata, {str(n): "x" for n in range(50)}, "takes 49 keys"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(type_, given, sentence):
    with pytest.raises(ValidationError, match=sentence):
        TypeAdapter(type_).validate_python(given)


def test_a_secret_given_as_an_id_is_not_repeated_in_the_sentence():
    retrieve = next(action for action in READS if action.name == "charges.retrieve")
    with pytest.raises(ValidationError, match="not the id of a charge") as caught:
        retrieve.params.model_validate({"charge": "sk_live_51Abcdef"})
    assert "51Abcdef" not in str(caught.value)


def test_a_day_is_the_whole_day_in_utc():
    span = fields.Span.model_validate({"gte": "2026-03-01", "lte": "2026-03-01"})
    assert span.lte - span.gte == 86_399
    after = fields.Span.model_validate({"gt": "2026-03-01", "lt": "2026-03-02T00:00:00+02:00"})
    assert (after.gt, after.lt) == (span.lte, span.gte + 86_400 - 7_200)
