"""A peer for the benchmarks: dj-stripe in a bare Django site, as its own documents set it up, with its webhook view.

    DATABASE_URL=… API=… WEBHOOK_SECRET=… python bench/peers/djstripe_site.py migrate     (prints the path to post to)
    DATABASE_URL=… API=… gunicorn --chdir bench/peers -w 2 --threads 16 -b 127.0.0.1:PORT djstripe_site:application

It runs in an environment of its own (dj-stripe wants another version of Stripe's SDK than bookhand).
"""

from __future__ import annotations

import os
import sys

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.urls import include, path
from psycopg import conninfo

_address = conninfo.conninfo_to_dict(os.environ["DATABASE_URL"])

settings.configure(
    DEBUG=False,
    SECRET_KEY="bench",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "djstripe"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": _address["dbname"],
            "USER": _address.get("user"),
            "HOST": _address.get("host"),
            "PORT": _address.get("port"),
            "CONN_MAX_AGE": None,
        }
    },
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
    LOGGING={
        "version": 1,
        "handlers": {"err": {"class": "logging.StreamHandler"}},
        "root": {"handlers": ["err"], "level": "ERROR"},
    },
    STRIPE_TEST_SECRET_KEY="sk_test_" + "b" * 24,
    STRIPE_LIVE_MODE=False,
    STRIPE_API_HOST=os.environ["API"],  # it asks for each object again, and for those it points to
    DJSTRIPE_FOREIGN_KEY_TO_FIELD="id",
)
django.setup()
urlpatterns = [path("stripe/", include("djstripe.urls", namespace="djstripe"))]
application = get_wsgi_application()


def _migrate() -> None:
    from djstripe.models import Account, APIKey, WebhookEndpoint  # noqa: PLC0415 (after django.setup)

    call_command("migrate", verbosity=0)
    account, _ = Account.objects.get_or_create(id="acct_1Bench", defaults={"livemode": False})
    APIKey.objects.get_or_create(
        secret=settings.STRIPE_TEST_SECRET_KEY,
        defaults={"djstripe_owner_account": account, "livemode": False, "type": "secret"},
    )
    endpoint, _ = WebhookEndpoint.objects.get_or_create(
        id="we_bench",
        defaults={
            "secret": os.environ["WEBHOOK_SECRET"],
            "djstripe_owner_account": account,
            "livemode": False,
            "url": "http://127.0.0.1/",
            "enabled_events": ["*"],
            "api_version": "2026-10-28.endive",
            "status": "enabled",
        },
    )
    print(f"/stripe/webhook/{endpoint.djstripe_uuid}/")


if __name__ == "__main__" and sys.argv[1:] == ["migrate"]:
    _migrate()
