"""What do the properties and the URL say of a PostgreSQL server?"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from scalar_tx.errors import SettingsError
from scalar_tx.storage.sql.addresses import (
    Access,
    Address,
    Limits,
    access_of,
    address_of,
    limits_of,
    seconds,
    unknown_parameter,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scalar_tx.model.storage_settings import StorageSettings

DEFAULT_PORT: Final = 5432
DEFAULT_PREPARE_THRESHOLD: Final = 5  # as the Java driver's

# Handed to libpq as they are; the Java driver has the same names.
_LIBPQ: Final = (
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "sslpassword",
    "sslcrl",
    "sslnegotiation",
    "channel_binding",
    "gssencmode",
    "application_name",
)
_RENAMED: Final = {"ApplicationName": "application_name", "channelBinding": "channel_binding"}
_LIMITS: Final = {
    "connect_timeout": "connect_s", "connectTimeout": "connect_s", "loginTimeout": "connect_s",
    "lock_timeout": "lock_s", "statement_timeout": "statement_s",
    "reply_timeout": "reply_s", "socketTimeout": "reply_s",
}  # fmt: skip
_SSL_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_KNOWN: Final = (
    *_LIBPQ, "connect_timeout", "lock_timeout", "prepareThreshold", "reply_timeout",
    "statement_timeout",
)  # fmt: skip


@dataclass(frozen=True)
class PostgresqlSettings:
    """One database and how it is used. ``libpq`` are parameters of the driver."""

    address: Address
    access: Access
    limits: Limits = field(default_factory=Limits)
    libpq: Mapping[str, str] = field(default_factory=dict)
    prepare_threshold: int | None = DEFAULT_PREPARE_THRESHOLD  # None: never


def postgresql_settings(settings: StorageSettings) -> PostgresqlSettings:
    """Read contact point and properties; SettingsError names what is wrong in them."""
    address = address_of(settings, ("postgresql", "postgres"), DEFAULT_PORT)
    found = PostgresqlSettings(address, access_of(settings))
    libpq: dict[str, str] = {}
    limits: dict[str, float] = {}
    for name, value in address.parameters.items():
        known = _RENAMED.get(name, name)
        if known in _LIBPQ:
            libpq[known] = value
        elif name == "prepareThreshold":
            found = replace(found, prepare_threshold=int(seconds(value, name)) or None)
        elif name in _LIMITS:
            limits[_LIMITS[name]] = seconds(value, name)
        elif address.jdbc and name == "ssl" and value.lower() != "false":
            libpq.setdefault("sslmode", "verify-full")  # as the Java driver does
        else:
            unknown_parameter(name, _KNOWN, address)
    if libpq.get("sslmode", "prefer") not in _SSL_MODES:
        raise SettingsError(
            f"sslmode={libpq['sslmode']} in the URL of {address.place}",
            advice=f"Write one of {', '.join(_SSL_MODES)}",
        )
    # Without a name libpq takes the user's for the database; the Java driver does the same.
    database = address.database or address.user or "postgres"
    return replace(
        found,
        address=replace(address, database=database),
        libpq=libpq,
        limits=limits_of(limits),
    )
