"""How were the settings understood? Shown without any password."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from scalar_tx.model.finding import Finding, Verdict
from scalar_tx.model.storage_settings import redacted
from scalar_tx.settings import load

if TYPE_CHECKING:
    from scalar_tx.model.storage_settings import StorageSettings
    from scalar_tx.settings import Settings

_LOGGER: Final = "scalar_tx.settings"


class _Listener(logging.Handler):
    """Keeps what is said while settings are read."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.heard: list[Finding] = []

    def emit(self, record: logging.LogRecord) -> None:
        serious = record.levelno >= logging.WARNING
        verdict = Verdict.WARNING if serious else Verdict.NOTE
        self.heard.append(Finding("remark", verdict, record.getMessage()))


def load_and_listen(config: str | None) -> tuple[Settings, list[Finding]]:
    """The settings of a target, and what was remarked about them."""
    listener = _Listener()
    logger = logging.getLogger(_LOGGER)
    level, propagates = logger.level, logger.propagate
    logger.addHandler(listener)
    logger.setLevel(logging.INFO)
    logger.propagate = False  # said here, so not once more on standard error
    try:
        settings = load(config)
    finally:
        logger.removeHandler(listener)
        logger.setLevel(level)
        logger.propagate = propagates
    return settings, listener.heard


def settings_findings(settings: Settings) -> list[Finding]:
    """What the settings mean."""
    commit = settings.consensus_commit
    named = "named by the file" if commit.isolation_named else "reads that can't be so are refused"
    policy = settings.retry
    retries = "until the deadline" if policy.retries is None else f"at most {policy.retries}"
    scans = settings.cross_partition_scan
    pauses = f"pauses {policy.first_pause:g} to {policy.longest_pause:g} s"
    lines = [
        ("isolation", f"{commit.isolation.value} ({named})"),
        ("coordinator table", f"{commit.coordinator_namespace}.state"),
        ("reruns", f"{retries}, deadline {policy.deadline:g} s, {pauses}"),
        (
            "whole-table scans",
            f"{_on(scans.enabled)}, filters {_on(scans.filtering)}, orders {_on(scans.ordering)}",
        ),
        ("BIGINT", f"{settings.bigint_range} bits"),
        *_storage_lines(settings.storage),
    ]
    if commit.group_commit.enabled:
        lines.append(("group commit", "on"))
    return [Finding(subject, Verdict.NOTE, text) for subject, text in lines]


def _on(flag: bool) -> str:
    return "on" if flag else "off"


def _storage_lines(storage: StorageSettings, name: str = "") -> list[tuple[str, str]]:
    if storage.multi is None:
        points = ", ".join(map(redacted, storage.contact_points)) or "no contact points"
        text = f"{storage.kind}: {points}"
        if storage.contact_port:
            text += f", port {storage.contact_port}"
        if storage.username is not None:
            text += f", as {storage.username}"
        return [(f"storage {name}".strip(), text)]
    lines = []
    for each, one in storage.multi.storages.items():
        lines += _storage_lines(one, each)
    for namespace, holder in storage.multi.namespaces.items():
        lines.append((f"namespace {namespace}", f"in {holder}"))
    lines.append(("other namespaces", f"in {storage.multi.default}"))
    return lines
