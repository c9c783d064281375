"""Where is a database server? Reads JDBC URLs and this library's own.

``jdbc:postgresql://host:port/database?name=value&…`` as the Java drivers read it, and
``postgresql://user:password@host:port/database?name=value``. User and password of the properties
(``scalar.db.username``, ``scalar.db.password``) win over those of the URL, as in ScalarDB.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from scalar_tx.errors import SettingsError
from scalar_tx.model.storage_settings import redacted
from scalar_tx.storage.sql.pool import DEFAULT_MOST
from scalar_tx.storage.sql.tables import DEFAULT_METADATA_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scalar_tx.model.storage_settings import StorageSettings

_LOG: Final = logging.getLogger(__name__)
_METADATA_SCHEMA: Final = "scalar.db.jdbc.table_metadata.schema"
_HOST: Final = re.compile(
    r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<name>[^:\[\]/\s]+))(?::(?P<port>\d+))?"
)
_HIGHEST_PORT: Final = 65_535


@dataclass(frozen=True)
class Address:
    """One database of one server. ``parameters`` are those of the URL, names as written."""

    host: str
    port: int
    database: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    parameters: Mapping[str, str] = field(default_factory=dict, repr=False)
    jdbc: bool = False

    @property
    def place(self) -> str:
        """The database as messages name it."""
        return f"{self.host}:{self.port}/{self.database}"


@dataclass(frozen=True)
class Limits:
    """How long a call may take, in seconds. The server is told all but the last.

    A definition may take as long as it does; only its waits for locks are bounded.
    """

    connect_s: float = 10.0
    lock_s: float = 10.0
    statement_s: float = 30.0
    reply_s: float = 40.0


@dataclass(frozen=True)
class Access:
    """What a pool needs to know beside the address."""

    name: str
    metadata_schema: str
    most: int
    idle: int | None


def address_of(settings: StorageSettings, schemes: tuple[str, ...], default_port: int) -> Address:
    """The address that settings hold in their contact point.

    SettingsError: there is not exactly one contact point, or it can't be read.
    """
    points = settings.contact_points
    # ScalarDB takes the first of several JDBC URLs; of our own forms several are a mistake.
    if not points or (len(points) > 1 and settings.kind != "jdbc"):
        raise SettingsError(
            f"{settings.place}: the storage is {settings.kind}, "
            f"and scalar.db.contact_points names {len(points)} servers",
            advice=f"Name one, for example {schemes[0]}://host:{default_port}/database",
        )
    address = _read(points[0], schemes, settings.contact_port or default_port)
    return Address(
        address.host,
        address.port,
        address.database,
        settings.username if settings.username is not None else address.user,
        settings.password if settings.password is not None else address.password,
        address.parameters,
        address.jdbc,
    )


def access_of(settings: StorageSettings) -> Access:
    """Names and sizes that the settings hold."""
    sizes = settings.connection_pool
    return Access(
        name=settings.kind,
        metadata_schema=settings.properties.get(_METADATA_SCHEMA, DEFAULT_METADATA_SCHEMA),
        most=max(2, sizes.max_total or DEFAULT_MOST),
        idle=sizes.max_idle,
    )


def _read(point: str, schemes: tuple[str, ...], port: int) -> Address:
    shown = redacted(point)
    jdbc = point.lower().startswith("jdbc:")
    scheme, sign, rest = point[5 if jdbc else 0 :].partition("://")
    if not sign and not jdbc:
        scheme, rest = schemes[0], point  # a bare host
    if scheme.lower() not in schemes or (jdbc and not sign):
        raise _unreadable(shown, schemes[0], port)
    rest, _, query = rest.partition("?")
    authority, _, database = rest.partition("/")
    login, at, place = authority.rpartition("@")
    user, colon, password = login.partition(":")
    if "," in place:
        raise SettingsError(
            f"{shown} names several hosts",
            advice="Name one: reads of another host may be old",
        )
    found = _HOST.fullmatch(place or "localhost")
    if found is None or int(found["port"] or port) > _HIGHEST_PORT:
        raise _unreadable(shown, schemes[0], port)
    parameters = _parameters(query, shown)
    return Address(
        host=found["v6"] or found["name"],
        port=int(found["port"] or port),
        database=unquote(database),
        user=unquote(user) if at else parameters.pop("user", None),
        password=unquote(password) if colon else parameters.pop("password", None),
        parameters=parameters,
        jdbc=jdbc,
    )


def _unreadable(shown: str, scheme: str, port: int) -> SettingsError:
    return SettingsError(
        f"{shown!r} is no URL of a {scheme} server",
        advice=f"Write {scheme}://host:{port}/database or jdbc:{scheme}://host:{port}/database",
    )


def _parameters(query: str, shown: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in query.split("&"):
        if not part:
            continue
        name, sign, value = part.partition("=")
        if not sign or not name.strip():
            raise SettingsError(
                f"a parameter in {shown!r} has no value", advice="Write name=value, joined by &"
            )
        found[unquote(name.strip())] = unquote(value.strip())
    return found


def limits_of(given: Mapping[str, float]) -> Limits:
    """The limits of which some are given, by the names of ``Limits``; 0: none of its own.

    Waits for locks end before statements do, and the client gives up last, so that a server that
    is alive has said by then what became of the call. A longer statement makes the client wait
    longer, unless it was said how long it waits; that is obeyed, and shortens the others.

    >>> limits_of({"statement_s": 120.0}).reply_s, limits_of({"reply_s": 10.0}).statement_s
    (130.0, 8.0)
    """
    wanted = Limits(**given)
    reply_s = given.get("reply_s") or max(Limits.reply_s, wanted.statement_s + 10)
    longest = max(reply_s - 2, 0.8 * reply_s)
    statement_s = min(wanted.statement_s or longest, longest)
    lock_s = min(wanted.lock_s or statement_s, 0.8 * statement_s)
    return Limits(max(1.0, wanted.connect_s), lock_s, statement_s, reply_s)


def seconds(text: str, name: str, unit: float = 1.0) -> float:
    """A parameter's time, in seconds; ``unit`` is what it counts in."""
    if not re.fullmatch(r"\d{1,9}(\.\d{1,3})?", text):
        raise SettingsError(f"{name}={text} is no time", advice="Write a number, for example 10")
    return float(text) * unit


def unknown_parameter(name: str, known: tuple[str, ...], address: Address) -> None:
    """A parameter that means nothing here: of a JDBC URL it is the Java driver's own affair."""
    if not address.jdbc:
        raise SettingsError(
            f"{name!r} is not a parameter of the URL of {address.place}",
            advice=f"Remove it; known are {', '.join(known)}",
        )
    _LOG.info("the JDBC URL of %s: %s concerns the Java driver only", address.place, name)
