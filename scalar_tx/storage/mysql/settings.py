"""What do the properties and the URL say of a MySQL or MariaDB server?"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from scalar_tx.errors import SettingsError
from scalar_tx.storage.mysql.dialect import DEFAULT_KEY_SIZE
from scalar_tx.storage.sql.addresses import (
    Access,
    Address,
    Limits,
    access_of,
    address_of,
    seconds,
    unknown_parameter,
)

if TYPE_CHECKING:
    from scalar_tx.model.storage_settings import StorageSettings

DEFAULT_PORT: Final = 3306
_KEY_SIZE: Final = "scalar.db.jdbc.mysql.variable_key_column_size"
_SMALLEST_KEY_SIZE: Final = 64
_MILLISECOND: Final = 0.001

# Words of the Java drivers, MariaDB's and MySQL's: is the server's certificate checked? Without TLS
# there is none.
_OFF: Final = ("disable", "disabled", "false")
_TLS_WORDS: Final = {
    "preferred": None, **dict.fromkeys(_OFF),
    "trust": False, "required": False, "true": True,
    "verify-ca": True, "verify_ca": True, "verify-full": True, "verify_identity": True,
}  # fmt: skip
_KNOWN: Final = (
    "connect_timeout", "lock_timeout", "reply_timeout", "sslMode", "sslca", "sslcert", "sslkey",
    "statement_timeout",
)  # fmt: skip


@dataclass(frozen=True)
class Tls:
    """How the connection is encrypted. ``off``: not at all.

    ``verify``: None: where driver and server both can, nobody is checked; False: nobody is checked.
    """

    off: bool = False
    verify: bool | None = None
    authority: str | None = None
    certificate: str | None = None
    key: str | None = None


@dataclass(frozen=True)
class MysqlSettings:
    """One database and how it is used."""

    address: Address
    access: Access
    limits: Limits = field(default_factory=Limits)
    tls: Tls = field(default_factory=Tls)
    key_size: int = DEFAULT_KEY_SIZE


def mysql_settings(settings: StorageSettings) -> MysqlSettings:
    """Read contact point and properties; SettingsError names what is wrong in them."""
    address = address_of(settings, ("mysql", "mariadb"), DEFAULT_PORT)
    found = MysqlSettings(address, access_of(settings), key_size=_key_size(settings))
    limits, tls = found.limits, found.tls
    for name, value in address.parameters.items():
        match name:
            case "connect_timeout":
                limits = replace(limits, connect_s=max(1.0, seconds(value, name)))
            case "connectTimeout":
                limits = replace(limits, connect_s=max(1.0, seconds(value, name, _MILLISECOND)))
            case "lock_timeout":
                limits = replace(limits, lock_s=max(1.0, seconds(value, name)))
            case "statement_timeout":
                limit = seconds(value, name)
                limits = replace(limits, statement_s=limit, reply_s=max(limits.reply_s, limit + 10))
            case "reply_timeout":
                limits = replace(limits, reply_s=max(1.0, seconds(value, name)))
            case "socketTimeout":
                limit = seconds(value, name, _MILLISECOND)
                limits = replace(limits, reply_s=max(1.0, limit)) if limit else limits
            case "sslMode" | "useSSL" | "useSsl":
                tls = replace(tls, verify=_verify(name, value), off=value.lower() in _OFF)
            case "sslca" | "serverSslCert":
                tls = replace(tls, authority=value, verify=True)
            case "sslcert":
                tls = replace(tls, certificate=value, verify=bool(tls.verify))
            case "sslkey":
                tls = replace(tls, key=value)
            case _:
                unknown_parameter(name, _KNOWN, address)
    return replace(found, limits=limits, tls=tls)


def _verify(name: str, value: str) -> bool | None:
    if value.lower() not in _TLS_WORDS:
        raise SettingsError(
            f"{name}={value} in the URL", advice=f"Write one of {', '.join(_TLS_WORDS)}"
        )
    return _TLS_WORDS[value.lower()]


def _key_size(settings: StorageSettings) -> int:
    text = settings.properties.get(_KEY_SIZE)
    # ScalarDB's MariaDB engine does not look at the property (Storage specification 1.4).
    if text is None or settings.contact_points[0].lower().startswith("jdbc:mariadb:"):
        return DEFAULT_KEY_SIZE
    if not text.strip().isdecimal() or int(text) < _SMALLEST_KEY_SIZE:
        raise SettingsError(
            f"{_KEY_SIZE}={text}", advice=f"Write a number of at least {_SMALLEST_KEY_SIZE}"
        )
    return int(text)
