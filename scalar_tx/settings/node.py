"""How does a node listen, and which bounds does it set its callers?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from scalar_tx.errors import SettingsError

if TYPE_CHECKING:
    from scalar_tx.settings.values import Values

PREFIX: Final = "scalar.db."


@dataclass(frozen=True, slots=True)
class Limits:
    """What one node allows, all of its workers together where it counts transactions.

    ``idle_seconds`` and ``lifetime_seconds`` are of an open transaction: how long it may rest, and
    how long it may last in all. ``elements`` are of one message: its operations, columns,
    conditions. ``stream_messages`` are of one transaction's stream, ``scan_page`` rows of one
    answer. Of one worker: so many ``connections`` to a listener, and ``connection_calls`` at once
    on one of them, which further ones wait for; ``scanner_bytes`` that open scans hold. After
    ``connection_seconds`` a connection takes no more calls, and its client makes another.
    """

    open_transactions: int = 10_000
    open_per_user: int = 1000
    idle_seconds: float = 60.0
    lifetime_seconds: float = 60.0
    message_bytes: int = 4 * 2**20
    metadata_bytes: int = 8192
    elements: int = 10_000
    stream_messages: int = 100_000
    scan_page: int = 1000
    connections: int = 4096
    connection_calls: int = 2000
    scanner_bytes: int = 64 * 2**20
    connection_seconds: int = 3600


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """The files of a node's certificate. ``client_ca``: clients show one signed by that, too."""

    cert_chain: str
    private_key: str
    client_ca: str | None = None


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """``scalar.db.node.*`` and what ScalarDB's server and cluster name otherwise.

    A port of 0 is one that is free, a ``None`` switches its listener off. ``http_tls``: HTTP
    shows the node's certificate, too. ``workers`` None: as many
    as the processors it was given. ``services`` name functions, ``module:function``, that add gRPC
    services; ``dev``: those may do what only development wants, such as to log a one-time code.
    ``decommission_seconds`` is how long everything is still accepted after SIGTERM,
    ``drain_seconds`` how long what is open may then go on, ``rollback_seconds`` how long undoing
    the rest may take. ``tls_enabled`` without ``tls`` is a program that only calls nodes, which
    trusts what ``client_trust`` holds, shows ``client_certificate`` and expects a certificate for
    ``authority``, None: for the host's name. ``auth_named``: whether callers have to log in, as far
    as the settings say so.
    """

    host: str = "127.0.0.1"
    port: int = 60053
    http_host: str = "127.0.0.1"
    http_port: int | None = 8080
    http_tls: bool = False
    admin_host: str = "127.0.0.1"
    admin_port: int = 60054
    health_host: str = "127.0.0.1"
    health_port: int | None = None
    scalardb_server_host: str = "127.0.0.1"
    scalardb_server_port: int | None = None
    workers: int | None = None
    insecure: bool = False
    log_format: str = "text"
    services: tuple[str, ...] = ()
    dev: bool = False
    decommission_seconds: float = 30.0
    drain_seconds: float = 60.0
    rollback_seconds: float = 10.0
    tls_enabled: bool = False
    tls: TlsSettings | None = None
    client_trust: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None
    authority: str | None = None
    auth_named: bool | None = None
    limits: Limits = field(default_factory=Limits)

    @property
    def asks_who_calls(self) -> bool:
        """Have callers to log in? Unless told, where TLS keeps what they send to themselves."""
        return self.tls is not None if self.auth_named is None else self.auth_named


def node_settings(values: Values) -> NodeSettings:
    """The node that properties describe. SettingsError: TLS is on and a file of it not named."""
    return NodeSettings(
        host=values.word("node.host"),
        port=values.integer("node.port"),
        http_host=values.word("node.http_host"),
        http_port=_port(values, "node.http_port"),
        http_tls=values.flag("node.http_tls"),
        admin_host=values.word("node.admin_host"),
        admin_port=values.integer("node.admin_port"),
        health_host=values.word("node.health_host"),
        health_port=_port(values, "node.health_port"),
        scalardb_server_host=values.word("node.scalardb_server_host"),
        scalardb_server_port=_port(values, "node.scalardb_server_port"),
        workers=values.integer_if_set("node.workers"),
        insecure=values.flag("node.insecure"),
        log_format=values.word("node.log_format"),
        services=values.words("node.services"),
        dev=values.flag("node.dev"),
        decommission_seconds=float(values.integer("node.decommissioning_duration_secs")),
        drain_seconds=float(values.integer("node.drain_duration_secs")),
        rollback_seconds=float(values.integer("node.rollback_duration_secs")),
        tls_enabled=values.flag("cluster.tls.enabled"),
        tls=_tls(values),
        client_trust=values.text("cluster.tls.ca_root_cert_path"),
        client_certificate=values.text("node.tls.client_cert_path"),
        client_key=values.text("node.tls.client_key_path"),
        authority=values.text("cluster.tls.override_authority"),
        auth_named=values.flag("cluster.auth.enabled")
        if values.names("cluster.auth.enabled")
        else None,
        limits=_limits(values),
    )


def _port(values: Values, name: str) -> int | None:
    """A port; a negative one switches its listener off (ScalarDB Server's protocol 14)."""
    number = values.integer_if_set(name)
    return None if number is None or number < 0 else number


def _tls(values: Values) -> TlsSettings | None:
    if not values.flag("cluster.tls.enabled"):
        return None
    chain, key = "cluster.node.tls.cert_chain_path", "cluster.node.tls.private_key_path"
    files = {name: values.text(name) for name in (chain, key)}
    # A program that only calls nodes turns TLS on as well, and has no certificate.
    if not any(files.values()):
        return None
    missing = [name for name, path in files.items() if path is None]
    if missing:
        raise SettingsError(
            f"{values.place('cluster.tls.enabled')}: {PREFIX}cluster.tls.enabled is true, and "
            f"{PREFIX}{missing[0]} is not set",
            advice="Name the files of the certificate and of its key",
        )
    return TlsSettings(values.word(chain), values.word(key), values.text("node.tls.client_ca_path"))


def _limits(values: Values) -> Limits:
    usual = Limits()
    idle = values.integer_if_set("node.idle_timeout_millis")
    if idle is None:
        # The library's own expiry is off unless it is set; a node's is not.
        given = values.integer("active_transaction_management.expiration_time_millis")
        idle = given if given > 0 else None
    return Limits(
        open_transactions=values.integer("node.max_open_transactions"),
        open_per_user=values.integer("node.max_open_transactions_per_user"),
        idle_seconds=usual.idle_seconds if idle is None else idle / 1000,
        lifetime_seconds=values.integer("node.lifetime_millis") / 1000,
        message_bytes=values.integer("node.max_message_bytes"),
        metadata_bytes=values.integer("node.max_metadata_bytes"),
        elements=values.integer("node.max_elements"),
        stream_messages=values.integer("node.max_stream_messages"),
        scan_page=values.integer("node.max_scan_page"),
        connections=values.integer("node.max_connections"),
        connection_calls=values.integer("node.max_calls_per_connection"),
        scanner_bytes=values.integer("node.max_scanner_bytes"),
        connection_seconds=values.integer("node.max_connection_age_secs"),
    )
