"""How do properties become settings?"""

from __future__ import annotations

import logging
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from scalar_tx.errors import InvalidOperationError, SettingsError
from scalar_tx.model.isolation import Isolation
from scalar_tx.retry import RetryPolicy
from scalar_tx.settings.keys import PREFIX
from scalar_tx.settings.names import find, nearest
from scalar_tx.settings.node import node_settings
from scalar_tx.settings.settings import (
    ActiveTransactionSettings,
    ConsensusCommitSettings,
    CrossPartitionScanSettings,
    GroupCommitSettings,
    SerializableStrategy,
    Settings,
)
from scalar_tx.settings.sources import Origin, Source, read_keywords, read_target
from scalar_tx.settings.storages import storage_settings
from scalar_tx.settings.values import Values

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from scalar_tx.settings.properties_file import Property

logger = logging.getLogger("scalar_tx.settings")

_CC = "consensus_commit."
_GROUP = f"{_CC}coordinator.group_commit."
_NOTHING: Mapping[str, object] = MappingProxyType({})


def load(
    target: str | os.PathLike[str] | Mapping[str, object] | None = None,
    overrides: Mapping[str, object] = _NOTHING,
) -> Settings:
    """The settings that a target and the keywords of a call give.

    ``target``: None is ``./scalardb.properties`` if there is one, else ``sqlite:///scalar_tx.db``;
    a URL; the path of a properties file; a mapping of ScalarDB property names. ``overrides`` are
    properties without ``scalar.db.``, dots as underscores; None unsets one. Properties without
    meaning here are accepted and logged. SettingsError names the place and the remedy.
    """
    given = read_keywords(overrides)
    return _settings(read_target(target, storage_given=given.get("storage") is not None), given)


def settings_of(source: Source, overrides: Mapping[str, object] = _NOTHING) -> Settings:
    """The settings that a target gave when it was read: another process of one node has the same.

    As ``load``, with ``${…}`` filled in here.
    """
    return _settings(source, read_keywords(overrides))


def _settings(source: Source, given: Mapping[str, Property | None]) -> Settings:
    properties = {one.name: one for one in source.properties}
    for name, one in given.items():
        properties.pop(name, None)
        if one is not None:
            properties[name] = one
    values = Values(properties)
    _refuse_unknown(properties, values)
    _tell_of_unused(source, values)
    return Settings(
        source=source.name,
        storage=storage_settings(properties, values),
        consensus_commit=_consensus_commit(values, source, given),
        retry=_retry(values),
        cross_partition_scan=_cross_partition_scan(values, source),
        active_transactions=_active_transactions(values),
        metadata_cache_seconds=_unless_negative(
            values.integer("metadata.cache_expiration_time_secs")
        ),
        scan_fetch_size=values.integer_if_set("scan_fetch_size"),
        system_namespace=values.word("system_namespace_name"),
        default_namespace=values.text("default_namespace_name"),
        bigint_range=int(values.word("bigint_range")),
        unknown_keys=values.word("unknown_keys"),
        node=node_settings(values),
    )


def _refuse_unknown(properties: Mapping[str, Property], values: Values) -> None:
    for name, one in properties.items():
        if find(name) is not None:
            continue
        near = nearest(name)
        meant = f"The nearest is {PREFIX}{near}. " if near else ""
        if values.word("unknown_keys") == "error":
            raise SettingsError(
                f"{one.place}: there is no property {PREFIX}{name}",
                advice=f"{meant}In a file that is shared, set {PREFIX}unknown_keys=warn",
                code="STX-3023",
            )
        logger.warning(
            "%s: there is no property %s%s, it is ignored. %s", one.place, PREFIX, name, meant
        )


def _tell_of_unused(source: Source, values: Values) -> None:
    unused = values.without_meaning()
    if unused:
        logger.info(
            "%s: accepted, without meaning here: %s",
            source.name,
            "; ".join(
                f"{PREFIX}{name} ({note})" if note else PREFIX + name
                for name, note in unused.items()
            ),
        )


def _consensus_commit(
    values: Values, source: Source, given: Mapping[str, object]
) -> ConsensusCommitSettings:
    def flag(name: str) -> bool:
        return values.flag(f"{_CC}{name}.enabled")

    named = f"{_CC}isolation_level"
    level = cast("Isolation | None", values.get(named))
    strategy = f"{_CC}serializable_strategy"
    if values.word(strategy) == "EXTRA_WRITE":
        logger.warning(
            "%s: EXTRA_WRITE no longer exists; EXTRA_READ validates what was read",
            values.place(strategy),
        )
    return ConsensusCommitSettings(
        isolation=level or Isolation.SERIALIZABLE,
        isolation_named=level is not None and source.origin is Origin.FILE and named not in given,
        serializable_strategy=SerializableStrategy.EXTRA_READ,
        coordinator_namespace=values.word(f"{_CC}coordinator.namespace"),
        parallel_executor_count=values.integer(f"{_CC}parallel_executor_count"),
        parallel_preparation=flag("parallel_preparation"),
        parallel_validation=flag("parallel_validation"),
        parallel_commit=flag("parallel_commit"),
        parallel_rollback=flag("parallel_rollback"),
        parallel_implicit_pre_read=flag("parallel_implicit_pre_read"),
        async_commit=flag("async_commit"),
        async_rollback=flag("async_rollback"),
        write_omission_on_read_only=flag("coordinator.write_omission_on_read_only"),
        one_phase_commit=flag("one_phase_commit"),
        include_metadata=flag("include_metadata"),
        index_eventually_consistent_read=flag("index.eventually_consistent_read"),
        write_set_logging=flag("coordinator.write_set_logging"),
        participant_id=values.text(f"{_CC}participant_id"),
        group_commit=_group_commit(values),
    )


def _group_commit(values: Values) -> GroupCommitSettings:
    def integer(name: str) -> int:
        return values.integer(_GROUP + name)

    return GroupCommitSettings(
        enabled=values.flag(f"{_GROUP}enabled"),
        slot_capacity=integer("slot_capacity"),
        group_size_fix_timeout_millis=integer("group_size_fix_timeout_millis"),
        delayed_slot_move_timeout_millis=integer("delayed_slot_move_timeout_millis"),
        old_group_abort_timeout_millis=integer("old_group_abort_timeout_millis"),
        timeout_check_interval_millis=integer("timeout_check_interval_millis"),
        metrics_monitor_log_enabled=values.flag(f"{_GROUP}metrics_monitor_log_enabled"),
    )


def _retry(values: Values) -> RetryPolicy:
    usual = RetryPolicy()

    def seconds(name: str, default: float) -> float:
        return values.integer(name) / 1000 if values.names(name) else default

    first = seconds("retry.initial_interval_millis", usual.first_pause)
    longest = seconds("retry.max_interval_millis", max(first, usual.longest_pause))
    try:
        return RetryPolicy(
            retries=cast("int | None", values.get("retry.max_retries")),
            deadline=seconds("retry.deadline_millis", usual.deadline),
            # Given alone, a shorter longest pause shortens the first.
            first_pause=first
            if values.names("retry.initial_interval_millis")
            else min(first, longest),
            longest_pause=longest,
            multiplier=cast("float | None", values.get("retry.multiplier")) or usual.multiplier,
        )
    except InvalidOperationError as error:
        place = values.place("retry.max_interval_millis") or "the settings"
        raise SettingsError(
            f"{place}: {PREFIX}retry.*: {error.message}", advice=error.advice
        ) from error


def _cross_partition_scan(values: Values, source: Source) -> CrossPartitionScanSettings:
    prefix = "cross_partition_scan."

    def flag(name: str, *, default: bool) -> bool:
        key = f"{prefix}{name}enabled"
        return values.flag(key) if values.names(key) else default

    enabled = flag("", default=True)
    # A file means what it means to Java; elsewhere everything is on that isn't switched off.
    usual = enabled and source.origin is not Origin.FILE
    settings = CrossPartitionScanSettings(
        enabled=enabled,
        filtering=flag("filtering.", default=usual),
        ordering=flag("ordering.", default=usual),
    )
    if not enabled and (settings.filtering or settings.ordering):
        raise SettingsError(
            f"{values.place(f'{prefix}enabled')}: {PREFIX}{prefix}enabled is false, "
            "but filtering or ordering is on",
            advice="Switch whole-table scans on, or the other two off",
        )
    return settings


def _active_transactions(values: Values) -> ActiveTransactionSettings:
    prefix = "active_transaction_management."
    most = values.integer(f"{prefix}max_active_transactions")
    return ActiveTransactionSettings(
        enabled=values.flag(f"{prefix}enabled"),
        expiration_millis=_unless_negative(values.integer(f"{prefix}expiration_time_millis")),
        max_active=most if most > 0 else None,
    )


def _unless_negative(number: int) -> int | None:
    return None if number < 0 else number
