"""Does every property land in the typed setting that it is for?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from scalar_tx.retry import RetryPolicy
from scalar_tx.settings import (
    ActiveTransactionSettings,
    ConsensusCommitSettings,
    CrossPartitionScanSettings,
    Isolation,
    SerializableStrategy,
    Settings,
    TlsSettings,
    load,
)
from scalar_tx.settings.keys import ALIASES, FOREIGN, KEYS, PREFIX, Use
from scalar_tx.settings.names import from_keyword

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TLS = TlsSettings("c.pem", "k.pem")
TLS_ON = """scalar.db.cluster.tls.enabled=true
scalar.db.cluster.node.tls.cert_chain_path=c.pem
scalar.db.cluster.node.tls.private_key_path=k.pem
"""

# One value other than the default for every property that is obeyed: (text, where it is seen).
OBEYED: dict[str, tuple[str, Callable[[Settings], object], object]] = {
    "transaction_manager": ("consensus-commit", lambda s: s.storage.kind, "sqlite"),
    "storage": ("sqlite", lambda s: s.storage.kind, "sqlite"),
    "contact_points": ("x.db", lambda s: s.storage.contact_points, ("x.db",)),
    "contact_port": ("9", lambda s: s.storage.contact_port, 9),
    "username": ("u", lambda s: s.storage.username, "u"),
    "password": ("p", lambda s: s.storage.password, "p"),
    "metadata.cache_expiration_time_secs": ("-1", lambda s: s.metadata_cache_seconds, None),
    "active_transaction_management.enabled": (
        "FALSE",
        lambda s: s.active_transactions,
        ActiveTransactionSettings(enabled=False),
    ),
    "active_transaction_management.expiration_time_millis": (
        "5",
        lambda s: s.active_transactions.expiration_millis,
        5,
    ),
    "active_transaction_management.max_active_transactions": (
        "0",
        lambda s: s.active_transactions.max_active,
        None,
    ),
    "default_namespace_name": ("ns", lambda s: s.default_namespace, "ns"),
    "cross_partition_scan.enabled": ("true", lambda s: s.cross_partition_scan.enabled, True),
    "cross_partition_scan.filtering.enabled": (
        "true",
        lambda s: s.cross_partition_scan,
        CrossPartitionScanSettings(ordering=False),
    ),
    "cross_partition_scan.ordering.enabled": (
        "true",
        lambda s: s.cross_partition_scan,
        CrossPartitionScanSettings(filtering=False),
    ),
    "scan_fetch_size": ("7", lambda s: (s.scan_fetch_size, s.storage.scan_fetch_size), (7, 7)),
    "system_namespace_name": (
        "sys",
        lambda s: (s.system_namespace, s.storage.system_namespace),
        ("sys", "sys"),
    ),
    "consensus_commit.isolation_level": (
        "snapshot",
        lambda s: s.consensus_commit,
        ConsensusCommitSettings(isolation=Isolation.SNAPSHOT, isolation_named=True),
    ),
    "consensus_commit.serializable_strategy": (
        "extra_read",
        lambda s: s.consensus_commit.serializable_strategy,
        SerializableStrategy.EXTRA_READ,
    ),
    "consensus_commit.coordinator.namespace": (
        "c2",
        lambda s: s.consensus_commit.coordinator_namespace,
        "c2",
    ),
    "consensus_commit.parallel_executor_count": (
        "3",
        lambda s: s.consensus_commit.parallel_executor_count,
        3,
    ),
    "consensus_commit.parallel_preparation.enabled": (
        "false",
        lambda s: s.consensus_commit.parallel_preparation,
        False,
    ),
    "consensus_commit.parallel_validation.enabled": (
        "false",
        lambda s: s.consensus_commit.parallel_validation,
        False,
    ),
    # The default of two others.
    "consensus_commit.parallel_commit.enabled": (
        "false",
        lambda s: s.consensus_commit,
        ConsensusCommitSettings(
            parallel_commit=False, parallel_validation=False, parallel_rollback=False
        ),
    ),
    "consensus_commit.parallel_rollback.enabled": (
        "false",
        lambda s: s.consensus_commit.parallel_rollback,
        False,
    ),
    "consensus_commit.parallel_implicit_pre_read.enabled": (
        "false",
        lambda s: s.consensus_commit.parallel_implicit_pre_read,
        False,
    ),
    "consensus_commit.async_commit.enabled": (
        "true",
        lambda s: (s.consensus_commit.async_commit, s.consensus_commit.async_rollback),
        (True, True),
    ),
    "consensus_commit.async_rollback.enabled": (
        "true",
        lambda s: (s.consensus_commit.async_commit, s.consensus_commit.async_rollback),
        (False, True),
    ),
    "consensus_commit.coordinator.write_omission_on_read_only.enabled": (
        "false",
        lambda s: s.consensus_commit.write_omission_on_read_only,
        False,
    ),
    "consensus_commit.one_phase_commit.enabled": (
        "false",
        lambda s: s.consensus_commit.one_phase_commit,
        False,
    ),
    "consensus_commit.coordinator.group_commit.enabled": (
        "true",
        lambda s: s.consensus_commit.group_commit.enabled,
        True,
    ),
    "consensus_commit.coordinator.group_commit.slot_capacity": (
        "40",
        lambda s: s.consensus_commit.group_commit.slot_capacity,
        40,
    ),
    "consensus_commit.coordinator.group_commit.delayed_slot_move_timeout_millis": (
        "300",
        lambda s: s.consensus_commit.group_commit.delayed_slot_move_timeout_millis,
        300,
    ),
    "consensus_commit.coordinator.write_set_logging.enabled": (
        "true",
        lambda s: s.consensus_commit.write_set_logging,
        True,
    ),
    "consensus_commit.include_metadata.enabled": (
        "true",
        lambda s: s.consensus_commit.include_metadata,
        True,
    ),
    "consensus_commit.index.eventually_consistent_read.enabled": (
        "true",
        lambda s: s.consensus_commit.index_eventually_consistent_read,
        True,
    ),
    "retry.max_retries": ("0", lambda s: s.retry, RetryPolicy(retries=0)),
    "retry.deadline_millis": ("1500", lambda s: s.retry, RetryPolicy(deadline=1.5)),
    "retry.initial_interval_millis": (
        "2000",
        lambda s: s.retry,
        RetryPolicy(first_pause=2.0, longest_pause=2.0),
    ),
    "retry.max_interval_millis": (
        "1",
        lambda s: s.retry,
        RetryPolicy(first_pause=0.001, longest_pause=0.001),
    ),
    "retry.multiplier": ("1.5", lambda s: s.retry, RetryPolicy(multiplier=1.5)),
    "connection_pool.min_idle": ("1", lambda s: s.storage.connection_pool.min_idle, 1),
    "connection_pool.max_idle": ("2", lambda s: s.storage.connection_pool.max_idle, 2),
    "connection_pool.max_total": ("3", lambda s: s.storage.connection_pool.max_total, 3),
    "bigint_range": ("64", lambda s: s.bigint_range, 64),
    "unknown_keys": ("WARN", lambda s: s.unknown_keys, "warn"),
    # A node. What ScalarDB's server names is the default of what a node calls its own.
    "server.port": ("60051", lambda s: s.node.scalardb_server_port, 60051),
    "server.prometheus_exporter_port": ("-1", lambda s: s.node.http_port, None),
    "server.decommissioning_duration_secs": ("7", lambda s: s.node.decommission_seconds, 7.0),
    "server.grpc.max_inbound_message_size": ("9", lambda s: s.node.limits.message_bytes, 9),
    "server.grpc.max_inbound_metadata_size": ("9", lambda s: s.node.limits.metadata_bytes, 9),
    "cluster.tls.enabled": ("true", lambda s: s.node.tls_enabled, True),
    "cluster.tls.ca_root_cert_path": ("ca.pem", lambda s: s.node.client_trust, "ca.pem"),
    "cluster.node.tls.cert_chain_path": ("c.pem", lambda s: s.node.tls, TLS),
    "cluster.node.tls.private_key_path": ("k.pem", lambda s: s.node.tls, TLS),
    "cluster.tls.override_authority": ("n", lambda s: s.node.authority, "n"),
    "cluster.auth.enabled": ("true", lambda s: s.node.asks_who_calls, True),
    "node.tls.client_cert_path": ("m.pem", lambda s: s.node.client_certificate, "m.pem"),
    "node.tls.client_key_path": ("m.pem", lambda s: s.node.client_key, "m.pem"),
    "node.tls.client_ca_path": ("ca.pem", lambda s: s.node.tls, replace(TLS, client_ca="ca.pem")),
    "node.host": ("0.0.0.0", lambda s: (s.node.host, s.node.http_host), ("0.0.0.0", "0.0.0.0")),
    "node.port": ("0", lambda s: s.node.port, 0),
    "node.http_host": ("::1", lambda s: (s.node.host, s.node.http_host), ("127.0.0.1", "::1")),
    "node.http_port": ("0", lambda s: s.node.http_port, 0),
    "node.http_tls": ("true", lambda s: s.node.http_tls, True),
    "node.admin_host": ("::1", lambda s: s.node.admin_host, "::1"),
    "node.admin_port": ("0", lambda s: s.node.admin_port, 0),
    "node.health_host": ("::1", lambda s: (s.node.host, s.node.health_host), ("127.0.0.1", "::1")),
    "node.health_port": ("0", lambda s: s.node.health_port, 0),
    "node.scalardb_server_host": ("::1", lambda s: s.node.scalardb_server_host, "::1"),
    "node.scalardb_server_port": ("0", lambda s: s.node.scalardb_server_port, 0),
    "node.workers": ("3", lambda s: s.node.workers, 3),
    "node.insecure": ("true", lambda s: s.node.insecure, True),
    "node.log_format": ("JSON", lambda s: s.node.log_format, "json"),
    "node.dev": ("true", lambda s: s.node.dev, True),
    "node.services": ("a:b,c:d", lambda s: s.node.services, ("a:b", "c:d")),
    "node.decommissioning_duration_secs": ("0", lambda s: s.node.decommission_seconds, 0.0),
    "node.drain_duration_secs": ("0", lambda s: s.node.drain_seconds, 0.0),
    "node.rollback_duration_secs": ("1", lambda s: s.node.rollback_seconds, 1.0),
    "node.idle_timeout_millis": ("1500", lambda s: s.node.limits.idle_seconds, 1.5),
    "node.lifetime_millis": ("1500", lambda s: s.node.limits.lifetime_seconds, 1.5),
    "node.max_open_transactions": ("5", lambda s: s.node.limits.open_transactions, 5),
    "node.max_open_transactions_per_user": ("5", lambda s: s.node.limits.open_per_user, 5),
    "node.max_message_bytes": ("5", lambda s: s.node.limits.message_bytes, 5),
    "node.max_metadata_bytes": ("5", lambda s: s.node.limits.metadata_bytes, 5),
    "node.max_elements": ("5", lambda s: s.node.limits.elements, 5),
    "node.max_stream_messages": ("5", lambda s: s.node.limits.stream_messages, 5),
    "node.max_scan_page": ("5", lambda s: s.node.limits.scan_page, 5),
    "node.max_connections": ("5", lambda s: s.node.limits.connections, 5),
    "node.max_calls_per_connection": ("5", lambda s: s.node.limits.connection_calls, 5),
    "node.max_scanner_bytes": ("5", lambda s: s.node.limits.scanner_bytes, 5),
    "node.max_connection_age_secs": ("5", lambda s: s.node.limits.connection_seconds, 5),
}

# What makes sense only beside others.
BESIDE = {
    "cluster.node.tls.cert_chain_path": TLS_ON,
    "cluster.node.tls.private_key_path": TLS_ON,
    "node.tls.client_ca_path": TLS_ON,
}


def test_every_obeyed_property_is_tried_here_or_with_several_storages() -> None:
    used = {key.name for key in KEYS.values() if key.use is Use.USED}
    several = {name for name in used if name.startswith("multi_storage.")}
    assert used - several - {"transaction.enabled"} == set(OBEYED)


@pytest.mark.parametrize("name", OBEYED)
def test_an_obeyed_property_lands_in_its_setting(tmp_path: Path, name: str) -> None:
    text, seen, expected = OBEYED[name]
    base = "scalar.db.storage=sqlite\nscalar.db.contact_points=y.db\n"
    line = f"{PREFIX}{name} = {text} \n"
    beside = [one for one in BESIDE.get(name, "").splitlines() if f".{name}=" not in one]
    file = tmp_path / "a.properties"
    file.write_text("".join([base, *(f"{one}\n" for one in beside), line]), encoding="utf-8")
    assert seen(load(file)) == expected


def test_every_property_has_a_keyword_of_its_own() -> None:
    for name in (*KEYS, *ALIASES):
        assert from_keyword(name.replace(".", "_").replace("-", "_")) == ALIASES.get(name, name)
    assert not set(ALIASES) & set(KEYS)
    # Of other programs' families a node obeys what names the same thing.
    assert {family for name in KEYS for family in FOREIGN if name.startswith(family)} == {
        "server.",
        "cluster.",
    }
    assert all(key.same_as is None or key.same_as in KEYS for key in KEYS.values())
