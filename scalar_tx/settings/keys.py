"""Which properties are there, and what becomes of each?

One table: every property of ScalarDB 3.13 to 3.19 for the storages known here, and our own. Names
stand without their prefix ``scalar.db.`` (Consensus Commit specification 9, Storage specification
5.7, 6 and 9).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from scalar_tx.settings.kinds import (
    ANY_INTEGER,
    COUNT,
    COUNT_OR_NEVER,
    FLAG,
    ISOLATION,
    LIST,
    LOWER_CASE,
    POSITIVE,
    TEXT,
    choice,
    integer,
    number,
)

if TYPE_CHECKING:
    from scalar_tx.settings.kinds import Kind

PREFIX = "scalar.db."


class Use(Enum):
    """What becomes of a property."""

    USED = "obeyed"
    ADAPTER = "read by the storage's adapter, where it has such a thing"
    NO_MEANING = "accepted, without meaning here"


@dataclass(frozen=True, slots=True)
class Key:
    """A property: its values, its default, what becomes of it.

    ``default`` None: unset, or settled where it is used. ``same_as`` names the property whose value
    is the default. ``note`` says why a property has no meaning, or what is done instead. Where
    ``only`` is given, any other value asks for what is not there: ``note`` says what that is.
    ``foreign``: another program's, which is not looked into.
    """

    name: str
    kind: Kind = TEXT
    default: object = None
    use: Use = Use.USED
    note: str = ""
    same_as: str | None = None
    aliases: tuple[str, ...] = ()
    only: tuple[object, ...] = ()
    foreign: bool = False


def _ours(name: str, kind: Kind, default: object = None) -> Key:
    return Key(name, kind, default)


def _adapter(name: str, kind: Kind = TEXT, *aliases: str) -> Key:
    return Key(name, kind, use=Use.ADAPTER, aliases=aliases)


def _idle(name: str, kind: Kind = TEXT, default: object = None, note: str = "") -> Key:
    return Key(name, kind, default, Use.NO_MEANING, note)


_NO_TIMERS = "a group is written once its members are ready that are on their way"
_LATER = "changes the cost of a commit, never its result; this release commits without it"

_GENERAL = (
    Key(
        "transaction_manager",
        LOWER_CASE,
        default="consensus-commit",
        only=("consensus-commit",),
        note="transactions over several storages are Consensus Commit's; "
        "the managers jdbc and single-crud-operation promise something else",
    ),
    Key("storage"),
    Key("contact_points", LIST, ()),
    Key("contact_port", integer(0, 65535), 0),
    Key("username"),
    Key("password"),
    Key("metadata.cache_expiration_time_secs", COUNT_OR_NEVER, 60),
    Key("active_transaction_management.enabled", FLAG, default=True),
    Key("active_transaction_management.expiration_time_millis", ANY_INTEGER, -1),
    Key("active_transaction_management.max_active_transactions", ANY_INTEGER, 10_000),
    _idle(
        "attribute_propagation.enabled",
        FLAG,
        default=True,
        note="operations have no attributes",
    ),
    Key("default_namespace_name"),
    # The defaults of these three depend on where the settings come from.
    Key("cross_partition_scan.enabled", FLAG),
    Key("cross_partition_scan.filtering.enabled", FLAG),
    Key("cross_partition_scan.ordering.enabled", FLAG),
    Key("scan_fetch_size", POSITIVE),
    Key("system_namespace_name", default="scalardb"),
)

_CONSENSUS_COMMIT = (
    Key("consensus_commit.isolation_level", ISOLATION, aliases=("isolation_level",)),
    Key(
        "consensus_commit.serializable_strategy",
        choice("EXTRA_READ", "EXTRA_WRITE"),
        "EXTRA_READ",
        aliases=("serializable_strategy",),
    ),
    Key("consensus_commit.coordinator.namespace", default="coordinator"),
    Key("consensus_commit.parallel_executor_count", POSITIVE, 128),
    Key("consensus_commit.parallel_preparation.enabled", FLAG, default=True),
    Key(
        "consensus_commit.parallel_validation.enabled",
        FLAG,
        same_as="consensus_commit.parallel_commit.enabled",
    ),
    Key("consensus_commit.parallel_commit.enabled", FLAG, default=True),
    Key(
        "consensus_commit.parallel_rollback.enabled",
        FLAG,
        same_as="consensus_commit.parallel_commit.enabled",
    ),
    Key(
        "consensus_commit.async_commit.enabled",
        FLAG,
        default=False,
    ),
    Key(
        "consensus_commit.async_rollback.enabled",
        FLAG,
        same_as="consensus_commit.async_commit.enabled",
    ),
    Key("consensus_commit.parallel_implicit_pre_read.enabled", FLAG, default=True),
    Key("consensus_commit.coordinator.write_omission_on_read_only.enabled", FLAG, default=True),
    Key("consensus_commit.one_phase_commit.enabled", FLAG, default=True),
    Key("consensus_commit.include_metadata.enabled", FLAG, default=False),
    Key("consensus_commit.index.eventually_consistent_read.enabled", FLAG, default=False),
    _idle(
        "consensus_commit.participant_id",
        note="only ScalarDB's participant role of two-phase commits needs it",
    ),
    Key("consensus_commit.coordinator.write_set_logging.enabled", FLAG, default=False),
    Key("consensus_commit.coordinator.group_commit.enabled", FLAG, default=False),
    Key("consensus_commit.coordinator.group_commit.slot_capacity", POSITIVE, 20),
    Key("consensus_commit.coordinator.group_commit.delayed_slot_move_timeout_millis", COUNT, 1200),
    *(
        _idle(f"consensus_commit.coordinator.group_commit.{name}", COUNT, usual, note=_NO_TIMERS)
        for name, usual in (
            ("group_size_fix_timeout_millis", 40),
            ("old_group_abort_timeout_millis", 60_000),
            ("timeout_check_interval_millis", 20),
        )
    ),
    _idle(
        "consensus_commit.coordinator.group_commit.metrics_monitor_log_enabled",
        FLAG,
        default=False,
    ),
)

_POOL = "the pool of a Java connection library; scalar.db.connection_pool.* is ours"
_JDBC = (
    _idle("jdbc.isolation_level", note="every write is one serializable transaction of its own"),
    _adapter("jdbc.table_metadata.schema"),
    _adapter("jdbc.mysql.variable_key_column_size", integer(64)),
    *(
        _idle(f"jdbc.{pool}connection_pool.{name}", ANY_INTEGER, note=_POOL)
        for pool in ("", "table_metadata.", "admin.")
        for name in (
            "min_idle",
            "max_idle",
            "max_total",
            "connection_timeout_millis",
            "idle_timeout_millis",
            "max_lifetime_millis",
            "keepalive_time_millis",
        )
    ),
    _idle("jdbc.prepared_statements_pool.enabled", FLAG, note=_POOL),
    _idle("jdbc.prepared_statements_pool.max_open", ANY_INTEGER, note=_POOL),
    *(
        _idle(f"jdbc.{database}", note="no storage here is of that database")
        for database in (
            "oracle.variable_key_column_size",
            "db2.variable_key_column_size",
            "oracle.time_column.default_date_component",
            "db2.time_column.default_date_component",
            "spanner.time_column.default_date_component",
        )
    ),
)

_DYNAMO = (
    _adapter("dynamo.endpoint_override", TEXT, "dynamo.endpoint-override"),
    _adapter("dynamo.table_metadata.namespace"),
    _adapter("dynamo.namespace.prefix"),
)

_MULTI_STORAGE = (
    Key("multi_storage.storages", LIST, ()),
    Key("multi_storage.default_storage"),
    Key("multi_storage.namespace_mapping", LIST, ()),
    Key("multi_storage.table_mapping", LIST, ()),
)

_OURS = (
    _ours("retry.max_retries", COUNT),
    _ours("retry.deadline_millis", COUNT),
    _ours("retry.initial_interval_millis", COUNT),
    _ours("retry.max_interval_millis", COUNT),
    _ours("retry.multiplier", number(1)),
    _ours("connection_pool.min_idle", COUNT),
    _ours("connection_pool.max_idle", COUNT),
    _ours("connection_pool.max_total", POSITIVE),
    _ours("bigint_range", choice("53", "64"), "53"),
    _ours("unknown_keys", choice("error", "warn"), "error"),
)

# How a node listens, and what it bounds. What ScalarDB's server and cluster name too is obeyed
# under their names (ScalarDB Server's protocol 14, operators' expectations 9.2).
_NODE = (
    Key("server.port", integer(-1, 65535)),
    Key("server.prometheus_exporter_port", integer(-1, 65535), 8080),
    Key("server.decommissioning_duration_secs", COUNT, 30),
    Key("server.grpc.max_inbound_message_size", POSITIVE, 4 * 2**20),
    Key("server.grpc.max_inbound_metadata_size", POSITIVE, 8192),
    Key("cluster.tls.enabled", FLAG, default=False),
    Key("cluster.tls.ca_root_cert_path"),
    Key("cluster.node.tls.cert_chain_path"),
    Key("cluster.node.tls.private_key_path"),
    Key("cluster.tls.override_authority"),
    Key("cluster.auth.enabled", FLAG),
    _ours("node.tls.client_ca_path", TEXT),
    _ours("node.tls.client_cert_path", TEXT),
    _ours("node.tls.client_key_path", TEXT),
    _ours("node.host", TEXT, "127.0.0.1"),
    _ours("node.port", integer(0, 65535), 60053),
    Key("node.http_host", same_as="node.host"),
    Key("node.http_port", integer(-1, 65535), same_as="server.prometheus_exporter_port"),
    _ours("node.http_tls", FLAG, default=False),
    _ours("node.admin_host", TEXT, "127.0.0.1"),
    _ours("node.admin_port", integer(0, 65535), 60054),
    Key("node.health_host", same_as="node.host"),
    _ours("node.health_port", integer(-1, 65535)),
    Key("node.scalardb_server_host", same_as="node.host"),
    Key("node.scalardb_server_port", integer(-1, 65535), same_as="server.port"),
    _ours("node.workers", integer(1, 256)),
    _ours("node.insecure", FLAG, default=False),
    _ours("node.log_format", choice("text", "json"), "text"),
    _ours("node.services", LIST, ()),
    _ours("node.dev", FLAG, default=False),
    Key(
        "node.decommissioning_duration_secs", COUNT, same_as="server.decommissioning_duration_secs"
    ),
    _ours("node.drain_duration_secs", COUNT, 60),
    _ours("node.rollback_duration_secs", POSITIVE, 10),
    _ours("node.idle_timeout_millis", POSITIVE),
    _ours("node.lifetime_millis", POSITIVE, 60_000),
    _ours("node.max_open_transactions", POSITIVE, 10_000),
    _ours("node.max_open_transactions_per_user", POSITIVE, 1000),
    Key("node.max_message_bytes", POSITIVE, same_as="server.grpc.max_inbound_message_size"),
    Key("node.max_metadata_bytes", POSITIVE, same_as="server.grpc.max_inbound_metadata_size"),
    _ours("node.max_elements", POSITIVE, 10_000),
    _ours("node.max_stream_messages", POSITIVE, 100_000),
    _ours("node.max_scan_page", POSITIVE, 1000),
    _ours("node.max_connections", POSITIVE, 4096),
    _ours("node.max_calls_per_connection", POSITIVE, 2000),
    _ours("node.max_scanner_bytes", POSITIVE, 64 * 2**20),
    _ours("node.max_connection_age_secs", POSITIVE, 3600),
)

# What ScalarDB's cluster has around the library.
_CLUSTER = (
    Key(
        "transaction.enabled",
        FLAG,
        default=True,
        only=(True,),
        note="operations without transactions are what open_storage() offers",
    ),
)

KEYS: dict[str, Key] = {
    key.name: key
    for key in (
        *_GENERAL,
        *_CONSENSUS_COMMIT,
        *_JDBC,
        *_DYNAMO,
        *_MULTI_STORAGE,
        *_OURS,
        *_NODE,
        *_CLUSTER,
    )
}

ALIASES: dict[str, str] = {alias: key.name for key in KEYS.values() for alias in key.aliases}

# Whole families that belong to other programs which share the file.
FOREIGN: dict[str, str] = {
    "sql.": "ScalarDB SQL",
    "graphql.": "ScalarDB GraphQL",
    "cluster.": "ScalarDB Cluster",
    "embedding.": "ScalarDB Cluster",
    "server.": "ScalarDB Server",
    "cosmos.": "a storage not known here",
    "s3.": "a storage not known here",
    "blob_storage.": "a storage not known here",
    "cloud_storage.": "a storage not known here",
}
