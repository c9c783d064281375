"""Can this account be used, and how safe are the data in it? Changes nothing."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.errors import (
    InvalidOperationError,
    SettingsError,
    StorageBusyError,
    StorageUnavailableError,
)
from scalar_tx.model.finding import Examination, Finding, Verdict
from scalar_tx.storage.dynamo.client import Client
from scalar_tx.storage.dynamo.names import Names
from scalar_tx.storage.dynamo.settings import dynamo_settings

if TYPE_CHECKING:
    from scalar_tx.model.storage_settings import StorageSettings

_MISSING: Final = "STX-3017"
_MOST_TABLES: Final = 50  # a doctor does not look for minutes


def examine(settings: StorageSettings) -> Examination:
    """The state of the account's tables. SettingsError: the settings are wrong."""
    wanted = dynamo_settings(settings)
    client = Client(wanted)
    names = Names(wanted.prefix, wanted.metadata_namespace)
    try:
        ahead = client.clock_ahead_ms()
        findings = (
            Finding("server", Verdict.GOOD, f"{client.place()} answers"),
            *_metadata(client, names),
            *_backups(client, names),
            Finding(
                "reads",
                Verdict.NOTE,
                "index reads and whole-table scans are not linearizable here: at SERIALIZABLE they "
                "need weak=True",
            ),
        )
        return Examination(findings, clock_ahead_ms=ahead)
    except (StorageUnavailableError, SettingsError) as error:
        return Examination((Finding("server", Verdict.BAD, error.message, error.advice),))
    except StorageBusyError as error:
        return Examination((Finding("server", Verdict.BAD, str(error), "Try again later"),))
    finally:
        client.close()


def _metadata(client: Client, names: Names) -> list[Finding]:
    found = _described(client, names.metadata)
    if found is None:
        text = f"{names.metadata}: not there yet, made with the first table"
        return [Finding("metadata", Verdict.NOTE, text)]
    status = found["TableStatus"]
    verdict = Verdict.GOOD if status == "ACTIVE" else Verdict.WARNING
    return [Finding("metadata", verdict, f"{names.metadata}: {status.lower()}")]


def _described(client: Client, physical: str) -> dict[str, Any] | None:
    try:
        answer = client.read("describe_table", {"TableName": physical})
    except InvalidOperationError as error:
        if error.code != _MISSING:
            raise
        return None
    table: dict[str, Any] = answer["Table"]
    return table


def _backups(client: Client, names: Names) -> list[Finding]:
    all_ours = (one for one in client.tables() if names.ours(one) is not None)
    ours = list(islice(all_ours, _MOST_TABLES))
    without = []
    try:
        for name in ours:
            answer = client.read("describe_continuous_backups", {"TableName": name})
            described = answer["ContinuousBackupsDescription"]
            recovery = described.get("PointInTimeRecoveryDescription", {})
            if recovery.get("PointInTimeRecoveryStatus") != "ENABLED":
                without.append(name)
    except InvalidOperationError:
        return [Finding("backups", Verdict.NOTE, "this server knows none, as DynamoDB Local")]
    if without:
        return [
            Finding(
                "backups",
                Verdict.WARNING,
                f"without point-in-time recovery: {', '.join(without)}",
                "Make the tables with no-backup=false, or switch it on in AWS",
            )
        ]
    return [Finding("backups", Verdict.GOOD, f"{len(ours)} tables have point-in-time recovery")]
