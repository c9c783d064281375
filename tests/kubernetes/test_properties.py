"""Do nodes get the values that the design fixed, and does a change of one reach them?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scalar_tx.settings.load import settings_of
from scalar_tx.settings.sources import read_target
from tests.kubernetes.rendered import K8S, OVERLAYS, objects_of, own_overlay, rendered

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.manifests

EVERY = [
    *((one,) for one in OVERLAYS),
    *(
        ("prod", one)
        for one in (
            "dynamodb-role",
            "dynamodb-secret",
            "event-on-dynamodb",
            "event-on-dynamodb-secret",
            "tls",
        )
    ),
]
ON_TWO = {
    *("storage", "contact_points", "contact_port", "username", "password"),
    *(f"multi_storage.{one}" for one in ("storages", "default_storage", "namespace_mapping")),
    *(
        f"multi_storage.storages.cassandra.{one}"
        for one in ("storage", "contact_points", "contact_port", "username", "password")
    ),
    *(f"multi_storage.storages.dynamo.{one}" for one in ("storage", "contact_points")),
}

FIXED = {
    "transaction_manager": "consensus-commit",
    "storage": "cassandra",
    "contact_points": "cassandra-0,cassandra-1,cassandra-2",
    "contact_port": "9042",
    "username": "${SCALARDB_USERNAME}",
    "password": "${SCALARDB_PASSWORD}",
    "consensus_commit.isolation_level": "SERIALIZABLE",
    "consensus_commit.serializable_strategy": "EXTRA_READ",
    "connection_pool.min_idle": "5",
    "connection_pool.max_idle": "10",
    "connection_pool.max_total": "20",
    "retry.max_retries": "10",
    "retry.initial_interval_millis": "100",
    "retry.max_interval_millis": "10000",
    "retry.multiplier": "2.0",
}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_fixed_values(overlay: str) -> None:
    fixed = {f"scalar.db.{name}": value for name, value in FIXED.items()}
    if overlay == "dev":
        fixed["scalar.db.contact_points"] = "cassandra-0"
    assert fixed.items() <= rendered(overlay).property_values().items()


@pytest.mark.parametrize(
    "file, differs",
    [
        ("overlays/dev", {"contact_points"}),
        ("components/dynamodb-secret", {"storage", "contact_points", "contact_port"}),
        ("components/event-on-dynamodb", ON_TWO),
        (
            "components/event-on-dynamodb-secret",
            ON_TWO | {f"multi_storage.storages.dynamo.{one}" for one in ("username", "password")},
        ),
        (
            "components/dynamodb-role",
            {"storage", "contact_points", "contact_port", "username", "password"},
        ),
    ],
)
def test_copies_differ_in_the_storage_only(file: str, differs: set[str]) -> None:
    def lines(folder: str) -> set[str]:
        text = (K8S / folder / "scalardb.properties").read_text()
        return {line for line in text.splitlines() if line and line[0] != "#"}

    changed = {
        line.split("=")[0].removeprefix("scalar.db.") for line in lines("base") ^ lines(file)
    }
    assert changed == differs


@pytest.mark.parametrize("parts", EVERY, ids="+".join)
def test_this_library_reads_them_as_they_are(
    parts: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = rendered(*parts)
    for variable in made.container["env"]:
        monkeypatch.setenv(variable["name"], variable.get("value", "of the Secret"))
    file = tmp_path / "scalardb.properties"
    file.write_text(made.properties)
    settings = settings_of(read_target(file, storage_given=False), {})
    assert settings.node.port == 60053
    assert settings.node.limits.connection_seconds == 300
    encrypted = "tls" in parts
    assert (settings.node.tls is not None) == encrypted
    assert settings.node.insecure is not encrypted
    if encrypted:
        assert settings.node.tls is not None
        mounts = {one["mountPath"] for one in made.container["volumeMounts"]}
        for path in (settings.node.tls.cert_chain, settings.node.tls.private_key):
            assert path.rpartition("/")[0] in mounts


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_another_value_is_another_pod_template(overlay: str, tmp_path: Path) -> None:
    own = own_overlay(tmp_path, overlay)
    unchanged = objects_of(own)
    assert unchanged.workload == rendered(overlay).workload
    folder = tmp_path / "k8s" / ("overlays/dev" if overlay == "dev" else "base")
    file = folder / "scalardb.properties"
    file.write_text(file.read_text().replace("max_total=20", "max_total=21"))
    changed = objects_of(own)
    assert changed.workload["spec"]["template"] != unchanged.workload["spec"]["template"]
    jobs = [name for name, _ in changed.pod_specs() if not name.startswith("StatefulSet")]
    before = dict(unchanged.pod_specs())
    for name, template in changed.pod_specs():
        assert (template == before[name]) == (name == "StatefulSet cassandra")
    assert jobs
