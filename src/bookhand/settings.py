"""Settings: read once here, handed down as values.

They come from ``bookhand.toml`` (or the file of BOOKHAND_CONFIG) and from the environment, which wins. Each has a sensible
default; ``bookhand.example.toml`` documents all of them. Errors: `Refusal` that names the setting and what it takes.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from bookhand.core.days import zone
from bookhand.core.problems import Refusal


class Settings(BaseSettings):
    """Everything a person may set; environment names are these with ``BOOKHAND_`` in front."""

    model_config = SettingsConfigDict(
        env_prefix="BOOKHAND_", extra="forbid", frozen=True, hide_input_in_errors=True
    )

    data_dir: Path = Path(".data")
    """Where the embedded PostgreSQL, the sealing key and caches live."""
    database_url: SecretStr | None = None
    """A PostgreSQL of yours (15 or newer); without it the embedded one is used."""
    sealing_key: SecretStr | None = None
    """The key that seals tokens, base64; without it a file in `data_dir`."""
    books_dir: Path = Path("books")
    """Where the Beancount book is written."""
    accounts_file: Path | None = None
    """The chart of accounts' names; without it bookhand's own."""
    timezone: str = "UTC"
    """The company's time zone: the day an entry is booked on."""
    late_facts: Literal["post_open", "ask"] = "post_open"
    """A fact that belongs to a closed period: post it to the open one with a link, or wait for a person."""
    host: str = "127.0.0.1"
    port: int = Field(default=8787, ge=0, le=65535)
    public_url: str | None = None
    """The https address under which Stripe reaches this machine; without it webhooks are not registered."""
    page_hosts: str = ""
    """Names, with commas between, under which the pages may be seen beside localhost."""
    session_hours: int = Field(default=12, ge=1, le=720)
    """How long somebody stays signed in at most."""
    session_idle_minutes: int = Field(default=120, ge=5, le=43_200)
    """How long somebody stays signed in without doing anything."""
    oidc_issuer: str | None = None
    """Your identity provider (OpenID Connect); without it people sign in by password or passkey."""
    oidc_client_id: str | None = None
    """What bookhand is called there; its way back is ``/oidc/back`` under `public_url`."""
    oidc_client_secret: SecretStr | None = None
    """The secret of that client; without it the client is a public one."""
    oidc_name: str = "single sign-on"
    """What the button says: "Sign in with …"."""
    stripe_base_url: str = "https://api.stripe.com"
    stripe_connect_url: str = "https://connect.stripe.com"
    stripe_marketplace_url: str = "https://marketplace.stripe.com"
    stripe_client_id: str | None = None
    """OAuth client of your Stripe App or Connect platform."""
    stripe_application: Literal["app", "connect"] = "app"
    """Which of the two that client is of: what the pages' sign-in at Stripe opens."""
    stripe_developer_key: SecretStr | None = None
    """The secret key that the OAuth token calls are made with."""
    quickbooks_client_id: str | None = None
    """Your app at Intuit; its way back is ``/oauth/quickbooks`` under `public_url`, or under localhost."""
    quickbooks_client_secret: SecretStr | None = None
    """The secret of that app."""
    quickbooks_mode: Literal["live", "test"] = "live"
    """``live`` for the app's production keys, ``test`` for its development keys, which open sandbox companies."""
    quickbooks_base_url: str | None = None
    """Another API than Intuit's own: a stand-in."""
    quickbooks_discovery_url: str | None = None
    """Another discovery document than Intuit's own, which says where to sign in."""
    netsuite_base_url: str | None = None
    """A stand-in's address in place of NetSuite's, with ``{account}`` where the account's name goes."""
    bank_folder: Path | None = None
    """A folder whose statement files are taken in."""
    bank_file_mb: int = Field(default=50, ge=1, le=500)
    """The largest statement file that is read, in megabytes."""
    plaid_client_id: str | None = None
    plaid_secret: SecretStr | None = None
    """Your keys at Plaid."""
    plaid_base_url: str = "https://production.plaid.com"
    plaid_minutes: int = Field(default=60, ge=5, le=1440)
    """How often banks that are connected through Plaid are asked for new lines."""
    backfill_months: int = Field(default=12, ge=1, le=240)
    poll_minutes: int = Field(default=20, ge=15, le=720)
    """How often the event list is read as a safety net."""
    log_format: Literal["auto", "json", "pretty"] = "auto"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        zone(name)
        return name

    @field_validator(
        "stripe_base_url",
        "stripe_connect_url",
        "stripe_marketplace_url",
        "plaid_base_url",
        "public_url",
        "oidc_issuer",
        "quickbooks_base_url",
        "quickbooks_discovery_url",
        "netsuite_base_url",
    )
    @classmethod
    def _an_address(cls, url: str | None) -> str | None:
        if url is None:
            return None
        loopback = url.startswith(("http://127.0.0.1", "http://localhost", "http://[::1]"))
        if not (url.startswith("https://") or loopback):
            raise ValueError("must begin with https:// (http:// is for this machine alone)")
        return url.rstrip("/")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (the library's signature)
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is given in code, then the environment, then the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, config_file())


def config_file() -> Path:
    """The settings file: BOOKHAND_CONFIG, or ``bookhand.toml`` in the working folder."""
    return Path(os.environ.get("BOOKHAND_CONFIG", "bookhand.toml"))


def read(**given: object) -> Settings:
    """The settings of this process; `given` wins over the environment and the file."""
    path = config_file()
    if "BOOKHAND_CONFIG" in os.environ and not path.exists():
        raise Refusal(f"BOOKHAND_CONFIG names {path}, which is not there.")
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except tomllib.TOMLDecodeError as error:
        raise Refusal(f"{path} is no TOML: {error}.") from error
    except ValidationError as error:
        raise Refusal("\n".join(_sentence(item, path) for item in error.errors())) from None


def _sentence(item: object, path: Path) -> str:
    assert isinstance(item, dict)  # noqa: S101 (pydantic's own shape)
    name = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        return f"{path} sets {name}, which bookhand does not know: see bookhand.example.toml for the names."
    why = item["msg"].removeprefix("Value error, ").rstrip(".")
    return f"Setting {name} (BOOKHAND_{name.upper()}): {why}."
