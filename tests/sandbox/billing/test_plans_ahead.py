"""Schedules and test clocks: what is planned ahead, and time that one customer has for itself."""

from __future__ import annotations

from .conftest import DAY, START, Company


def test_two_phases_and_release(company: Company) -> None:
    customer, cheap, full = company.customer(), company.price(1000), company.price(3000)
    schedule = company.post(
        "subscription_schedules",
        customer=customer["id"],
        start_date="now",
        end_behavior="release",
        phases=[
            {"items": [{"price": cheap["id"]}], "duration": {"interval": "month", "interval_count": 2}},
            {"items": [{"price": full["id"], "quantity": 2}], "iterations": 1},
        ],
    )
    assert (schedule["status"], schedule["phases"][1]["start_date"]) == ("active", START + 59 * DAY)
    sub = company.get(f"subscriptions/{schedule['subscription']}")
    assert (sub["status"], sub["schedule"]) == ("active", schedule["id"])
    totals = []
    for day in (1, 32, 60, 92):
        company.day(day)
        totals.append(company.latest(sub)["total"])
    assert totals == [1000, 1000, 6000, 6000]
    done = company.get(f"subscription_schedules/{schedule['id']}")
    assert (done["status"], done["released_subscription"], done["released_at"]) == (
        "released",
        sub["id"],
        START + 90 * DAY,
    )
    assert company.get(f"subscriptions/{sub['id']}")["schedule"] is None
    assert "subscription_schedule.released" in company.told()


def test_a_schedule_that_starts_later_and_cancels(company: Company) -> None:
    customer, price = company.customer(), company.price(1000)
    schedule = company.post(
        "subscription_schedules",
        customer=customer["id"],
        start_date=START + 5 * DAY,
        end_behavior="cancel",
        phases=[{"items": [{"price": price["id"]}], "iterations": 2}],
    )
    assert (schedule["status"], schedule["subscription"]) == ("not_started", None)
    company.day(6)
    running = company.get(f"subscription_schedules/{schedule['id']}")
    assert running["status"] == "active"
    company.day(70)
    sub = company.get(f"subscriptions/{running['subscription']}")
    assert (sub["status"], sub["ended_at"]) == ("canceled", START + 64 * DAY)
    assert company.get(f"subscription_schedules/{schedule['id']}")["status"] == "completed"
    assert len(company.all("invoices")) == 2


def test_a_schedule_around_a_subscription(company: Company) -> None:
    customer, small, large = company.customer(), company.price(1000), company.price(5000)
    sub = company.subscribe(customer, small)
    schedule = company.post("subscription_schedules", from_subscription=sub["id"])
    phase = schedule["phases"][0]
    company.post(
        f"subscription_schedules/{schedule['id']}",
        phases=[
            {"items": [{"price": small["id"]}], "end_date": phase["end_date"]},
            {"items": [{"price": large["id"]}], "iterations": 1},
        ],
    )
    company.day(15)
    assert company.latest(sub)["total"] == 1000
    company.day(32)
    assert company.latest(sub)["total"] == 5000
    gone = company.post(f"subscription_schedules/{schedule['id']}/cancel", prorate=False, invoice_now=False)
    assert gone["status"] == "canceled"
    assert company.get(f"subscriptions/{sub['id']}")["status"] == "canceled"


def test_a_released_schedule_lets_its_subscription_run(company: Company) -> None:
    sub = company.subscribe(company.customer(), company.price())
    schedule = company.post("subscription_schedules", from_subscription=sub["id"])
    assert company.post(f"subscription_schedules/{schedule['id']}/release")["status"] == "released"
    company.day(32)
    assert company.latest(sub)["status"] == "paid"


def test_a_clock_moves_its_customers_alone(company: Company) -> None:
    clock = company.post("test_helpers/test_clocks", frozen_time=START + 100 * DAY, name="far")
    price = company.price()
    ours = company.subscribe(company.customer(), price)
    theirs = company.subscribe(company.customer(test_clock=clock["id"]), price)
    assert (theirs["test_clock"], theirs["created"]) == (clock["id"], START + 100 * DAY)
    moved = company.post(f"test_helpers/test_clocks/{clock['id']}/advance", frozen_time=START + 200 * DAY)
    assert moved["status"] == "advancing"
    now = company.get(f"test_helpers/test_clocks/{clock['id']}")
    assert (now["status"], now["frozen_time"]) == ("ready", START + 200 * DAY)
    assert len(company.all("invoices", subscription=theirs["id"])) == 4
    assert len(company.all("invoices", subscription=ours["id"])) == 1
    assert all(i["test_clock"] == clock["id"] for i in company.all("invoices", subscription=theirs["id"]))
    assert all(charge["created"] == START for charge in company.all("charges"))
    company.day(40)
    assert len(company.all("invoices", subscription=theirs["id"])) == 4
    assert len(company.all("invoices", subscription=ours["id"])) == 2
    assert (
        company.refused(f"test_helpers/test_clocks/{clock['id']}/advance", frozen_time=START)["param"]
        == "frozen_time"
    )
    company.delete(f"test_helpers/test_clocks/{clock['id']}")
    assert company.get(f"customers/{theirs['customer']}")["deleted"] is True
    assert [one["id"] for one in company.all("subscriptions", status="all")] == [ours["id"]]


def test_a_clock_runs_dunning_to_its_end(company: Company) -> None:
    clock = company.post("test_helpers/test_clocks", frozen_time=START)
    customer = company.customer(test_clock=clock["id"])
    sub = company.subscribe(customer, company.price())
    company.fails_from_now(customer, times=9)
    company.post(f"test_helpers/test_clocks/{clock['id']}/advance", frozen_time=START + 60 * DAY)
    ended = company.get(f"subscriptions/{sub['id']}")
    assert (ended["status"], ended["cancellation_details"]["reason"]) == ("canceled", "payment_failed")
    assert len(company.events("invoice.payment_failed")) == 4
