"""How much may a table be used, and is it backed up? (Storage specification 4.3)

Automatic scaling and point-in-time recovery are services of AWS beside DynamoDB, which DynamoDB
Local does not have. They are asked for by ``no-scaling=false`` and ``no-backup=false`` only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scalar_tx.errors import InvalidOperationError
from scalar_tx.storage.dynamo.patience import Patience

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scalar_tx.model.table import Table
    from scalar_tx.storage.dynamo.client import Client
    from scalar_tx.storage.dynamo.names import Names

_SERVICE: Final = "dynamodb"
_TARGET_PERCENT: Final = 70.0
_COOLDOWN_SECONDS: Final = 60
_KINDS: Final = (("Read", "read"), ("Write", "write"))


def units(options: Mapping[str, str]) -> int:
    """The read and write units that the options ask for; InvalidOperationError if it is none."""
    text = str(options.get("ru", "10"))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 10**9:
        raise InvalidOperationError(
            f"the option ru is {text!r:.40}", advice="Give a whole number above 0", code="STX-3013"
        )
    return int(text)


def _asked_for(options: Mapping[str, str], name: str) -> bool:
    return str(options.get(name, "")).lower() == "false"


def set_up(
    client: Client, names: Names, table: Table, capacity: int, options: Mapping[str, str]
) -> None:
    """Scale the table and its indexes, and back it up, as far as the options ask for it."""
    if _asked_for(options, "no-scaling"):
        _scale(client, _table_resource(names, table.name), "table", capacity)
        for column in table.schema.secondary_index:
            _scale(client, index_resource(names, table.name, column), "index", capacity)
    back_up(client, names.table(table.name), options)


def scale_index(client: Client, resource: str, capacity: int, options: Mapping[str, str]) -> None:
    """Scale an index, if the options ask for it."""
    if _asked_for(options, "no-scaling"):
        _scale(client, resource, "index", capacity)


def back_up(client: Client, physical: str, options: Mapping[str, str]) -> None:
    """Switch point-in-time recovery on, if the options ask for it."""
    if _asked_for(options, "no-backup"):
        _wait_for_backups(client, physical)
        client.write(
            "update_continuous_backups",
            {
                "TableName": physical,
                "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
            },
        )


def _wait_for_backups(client: Client, physical: str) -> None:
    """A new table can be backed up a little later than it can be used."""
    wait = Patience(f"backups of {physical} are not ready")
    while True:
        answer = client.read("describe_continuous_backups", {"TableName": physical})
        if answer["ContinuousBackupsDescription"]["ContinuousBackupsStatus"] == "ENABLED":
            return
        wait.pause()


def stop_scaling(client: Client, names: Names, table: Table) -> None:
    """Remove what scales a table and its indexes; nothing happens on DynamoDB Local."""
    if client.settings.endpoint is not None:
        return
    _stop(client, _table_resource(names, table.name), "table")
    for column in table.schema.secondary_index:
        stop_index_scaling(client, names, table.name, column)


def stop_index_scaling(client: Client, names: Names, table: str, column: str) -> None:
    """Remove what scales an index; nothing happens on DynamoDB Local."""
    if client.settings.endpoint is None:
        _stop(client, index_resource(names, table, column), "index")


def _table_resource(names: Names, table: str) -> str:
    return f"table/{names.table(table)}"


def index_resource(names: Names, table: str, column: str) -> str:
    """What an index is called where it is scaled."""
    return f"{_table_resource(names, table)}/index/{names.index(table, column)}"


def _targets(resource: str, part: str) -> Iterator[tuple[str, dict[str, str], str]]:
    """For reads and writes: the metric, what is scaled, the policy's name."""
    middle = "index-" if part == "index" else ""
    for kind, word in _KINDS:
        target = {
            "ServiceNamespace": _SERVICE,
            "ResourceId": resource,
            "ScalableDimension": f"{_SERVICE}:{part}:{kind}CapacityUnits",
        }
        yield f"DynamoDB{kind}CapacityUtilization", target, f"{resource}-{middle}{word}"


def scaling_requests(
    resource: str, part: str, capacity: int
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """For reads and writes: what registers the target, and its policy."""
    for metric, target, policy in _targets(resource, part):
        least = capacity // 10 if capacity > 10 else capacity
        yield (
            {**target, "MinCapacity": least, "MaxCapacity": capacity},
            {
                **target,
                "PolicyName": policy,
                "PolicyType": "TargetTrackingScaling",
                "TargetTrackingScalingPolicyConfiguration": {
                    "TargetValue": _TARGET_PERCENT,
                    "ScaleInCooldown": _COOLDOWN_SECONDS,
                    "ScaleOutCooldown": _COOLDOWN_SECONDS,
                    "PredefinedMetricSpecification": {"PredefinedMetricType": metric},
                },
            },
        )


def _scale(client: Client, resource: str, part: str, capacity: int) -> None:
    for target, policy in scaling_requests(resource, part, capacity):
        client.scaling("register_scalable_target", target)
        client.scaling("put_scaling_policy", policy)


def _stop(client: Client, resource: str, part: str) -> None:
    for _, target, _policy in _targets(resource, part):
        found = client.scaling(
            "describe_scalable_targets",
            {
                "ServiceNamespace": target["ServiceNamespace"],
                "ResourceIds": [resource],
                "ScalableDimension": target["ScalableDimension"],
            },
        )
        if found.get("ScalableTargets"):
            client.scaling("deregister_scalable_target", target)
