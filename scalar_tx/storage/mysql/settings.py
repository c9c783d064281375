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
    limits_of,
    seconds,
    unknown_parameter,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scalar_tx.model.storage_settings import StorageSettings

DEFAULT_PORT: Final = 3306
_KEY_SIZE: Final = "scalar.db.jdbc.mysql.variable_key_column_size"
_SMALLEST_KEY_SIZE: Final = 64
_MILLISECOND: Final = 0.001
_SHORTEST_REPLY_S: Final = 1.0

# Words of the Java drivers, MariaDB's and MySQL's: is the server's certificate checked? Without TLS
# there is none.
_TRUST: Final = "trust"
_OFF: Final = ("disable", "disabled", "false")
_TLS_WORDS: Final = {
    "preferred": None, **dict.fromkeys(_OFF),
    _TRUST: False, "required": False, "true": True,
    "verify-ca": True, "verify_ca": True, "verify-full": True, "verify_identity": True,
}  # fmt: skip
_MODES: Final = ("sslMode", "useSSL", "useSsl")  # the first of them decides
_AUTHORITIES: Final = ("sslca", "serverSslCert")
_LIMITS: Final = {
    "connect_timeout": ("connect_s", 1.0), "connectTimeout": ("connect_s", _MILLISECOND),
    "lock_timeout": ("lock_s", 1.0), "statement_timeout": ("statement_s", 1.0),
    "reply_timeout": ("reply_s", 1.0), "socketTimeout": ("reply_s", _MILLISECOND),
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
    limits: dict[str, float] = {}
    tls: dict[str, str] = {}
    for name, value in address.parameters.items():
        if name in _LIMITS:
            limit, unit = _LIMITS[name]
            limits[limit] = seconds(value, name, unit)
        elif name in (*_MODES, *_AUTHORITIES, "sslcert", "sslkey"):
            tls[name] = value
        else:
            unknown_parameter(name, _KNOWN, address)
    if limits.get("reply_s"):
        limits["reply_s"] = max(_SHORTEST_REPLY_S, limits["reply_s"])
    return replace(found, limits=limits_of(limits), tls=_tls(tls))


def _tls(given: Mapping[str, str]) -> Tls:
    """What the parameters say together: an authority is named in order to be asked."""
    words = {name: _word(name, given[name]) for name in _MODES if name in given}
    mode = next(iter(words.values()), "preferred")
    authority = next((given[name] for name in _AUTHORITIES if name in given), None)
    certificate = given.get("sslcert")
    verify = _TLS_WORDS[mode]
    if authority is not None:
        if mode in _OFF or mode == _TRUST:
            raise SettingsError(
                f"{next(iter(words))}={mode} in the URL checks nobody, and {authority} is named "
                "to check the server",
                advice="Remove one of the two, or write sslMode=verify-full",
            )
        verify = True
    elif verify is None and certificate is not None and mode not in _OFF:
        verify = False  # shown to a server in TLS only
    return Tls(mode in _OFF, verify, authority, certificate, given.get("sslkey"))


def _word(name: str, value: str) -> str:
    if value.lower() not in _TLS_WORDS:
        raise SettingsError(
            f"{name}={value} in the URL", advice=f"Write one of {', '.join(_TLS_WORDS)}"
        )
    return value.lower()


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
