"""Do nodes with the component services offer them, with their tables, keys and storages?"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from scalar_auditor.services import NAMES
from scalar_tx.settings.load import settings_of
from scalar_tx.settings.sources import read_target
from scalar_tx.storage.dynamo.settings import dynamo_settings
from tests.kubernetes.rendered import K8S, Rendered, objects_of, own_overlay, rendered
from tests.kubernetes.test_network import governed, ports_of

if TYPE_CHECKING:
    from scalar_tx.model.storage_settings import MultiStorageSettings

ROOT = K8S.parent
FOLDER = K8S / "components" / "services"
manifests = pytest.mark.manifests


def test_its_tables_are_those_of_the_tree() -> None:
    for name in NAMES:
        ours = json.loads((ROOT / "namespaces" / f"{name}.json").read_text())
        assert json.loads((FOLDER / "namespaces" / f"{name}.json").read_text()) == ours
    assert {one.stem for one in (FOLDER / "namespaces").iterdir()} == set(NAMES)


def choosing(folder: Path, names: str, *parts: str) -> Path:
    """An overlay of one's own whose nodes offer some of the services, as k8s/README.md has it."""
    [change] = [
        block
        for block in re.findall(
            r"```yaml\n(.+?)```", (K8S / "README.md").read_text(encoding="utf-8"), re.DOTALL
        )
        if "SCALAR_AUDITOR_SERVICES" in block
    ]
    said = yaml.safe_load(change.replace("event,identity", names))
    behind = folder / "k8s" / "components" / "chosen"
    own = own_overlay(folder, "prod", *parts, "chosen")
    behind.mkdir()
    (behind / "kustomization.yaml").write_text(yaml.safe_dump(said))
    return own


def variables(made: Rendered) -> dict[str, str]:
    return {one["name"]: one.get("value", "") for one in made.container["env"]}


@manifests
def test_nodes_offer_the_services() -> None:
    made = rendered("prod", "services")
    assert "--services=$(SCALAR_AUDITOR_SERVICES)" in made.container["args"]
    assert variables(made)["SCALAR_AUDITOR_SERVICES"].split(",") == list(NAMES)
    assert len(made.reached_at("scalar-auditor", 60053)) == 3
    assert not any("--services" in one for one in rendered("prod").container["args"])


@manifests
@pytest.mark.parametrize("others", [("tls",), ("deployment",), ("tls", "http-tls")], ids="+".join)
@pytest.mark.parametrize("first", [True, False])
def test_beside_other_components_they_are_offered_too(others: tuple[str, ...], first: bool) -> None:
    parts = ("services", *others) if first else (*others, "services")
    made = rendered("prod", *parts)
    assert "--services=$(SCALAR_AUDITOR_SERVICES)" in made.container["args"]
    assert ("--health-port=60055" in made.container["args"]) == ("tls" in others)
    assert {"SCALAR_AUDITOR_KEYS_FILE", "SCALARDB_USERNAME"} <= set(variables(made))
    assert made.workload["kind"] == ("Deployment" if "deployment" in others else "StatefulSet")


@manifests
@pytest.mark.parametrize("parts", [("services",), ("deployment", "services")], ids="+".join)
def test_an_overlay_chooses_which_and_nothing_else_changes(
    tmp_path: Path, parts: tuple[str, ...]
) -> None:
    whole = rendered("prod", *parts)
    some = objects_of(choosing(tmp_path, "event,identity", *parts))
    assert variables(some)["SCALAR_AUDITOR_SERVICES"] == "event,identity"
    # As kubelet puts it in place.
    [said] = [one for one in some.container["args"] if one.startswith("--services=")]
    assert said.replace("$(SCALAR_AUDITOR_SERVICES)", "event,identity") == (
        "--services=event,identity"
    )
    assert some.container["args"] == whole.container["args"]
    text = json.dumps(whole.objects)
    every = ",".join(NAMES)
    assert text.count(every) == 1
    assert json.dumps(some.objects) == text.replace(every, "event,identity")
    # All five namespaces are made all the same: the two look into those of the others.
    assert set(some.one("ConfigMap", "auditor-schemas")["data"]) == {f"{one}.json" for one in NAMES}


@manifests
def test_keys_come_from_a_secret_and_a_new_one_is_a_rolling_update(tmp_path: Path) -> None:
    own = own_overlay(tmp_path, "prod", "services")
    before = objects_of(own)
    path = Path(variables(before)["SCALAR_AUDITOR_KEYS_FILE"])
    mounts = {one["mountPath"]: one for one in before.container["volumeMounts"]}
    assert mounts[str(path.parent)]["readOnly"] is True
    [volume] = [v for v in before.pod["volumes"] if v["name"] == mounts[str(path.parent)]["name"]]
    secret = before.one("Secret", "auditor-keys")
    assert volume["secret"]["secretName"] == secret["metadata"]["name"]
    assert path.name in secret["data"]
    (tmp_path / "k8s" / "components" / "services" / "keys.json").write_text("another")
    after = objects_of(own)
    assert after.pod != before.pod
    # Only the nodes have them.
    jobs = [
        template for name, template in after.pod_specs() if name != "StatefulSet scalardb-cluster"
    ]
    assert jobs
    assert "auditor-keys" not in json.dumps(jobs)


@manifests
def test_a_job_makes_the_tables() -> None:
    made = rendered("prod", "services")
    spec = made.one("Job", "auditor-schema")["spec"]["template"]["spec"]
    [container] = spec["containers"]
    [volume] = [one for one in spec["volumes"] if one["name"] == "schemas"]
    files = made.one("ConfigMap", "auditor-schemas")["data"]
    assert volume["configMap"]["name"].startswith("auditor-schemas")
    assert {f"/schemas/{name}" for name in files} <= set(container["args"])
    assert {f"{name}.json" for name in NAMES} == set(files)
    # The coordinator's table is made by one job, not by two at once.
    assert "--coordinator" not in container["args"]
    [other] = made.one("Job", "scalardb-schema")["spec"]["template"]["spec"]["containers"]
    assert "--coordinator" in other["args"]


@manifests
def test_only_nodes_send_mail() -> None:
    made = rendered("prod", "services")
    policy = made.one("NetworkPolicy", "auditor-mail")
    assert governed(made, policy) == {"StatefulSet scalardb-cluster"}
    assert ports_of(policy["spec"]["egress"]) == {("TCP", 465), ("TCP", 587)}


def on_two(made: Rendered, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MultiStorageSettings:
    """The storages that nodes read out of their properties."""
    for variable in made.container["env"]:
        given = variable.get("value", f"the Secret's for {variable['name']}")
        monkeypatch.setenv(variable["name"], given)
    file = tmp_path / "scalardb.properties"
    file.write_text(made.properties)
    multi = settings_of(read_target(file, storage_given=False), {}).storage.multi
    assert multi is not None
    assert {name: one.kind for name, one in multi.storages.items()} == {
        "cassandra": "cassandra",
        "dynamo": "dynamo",
    }
    assert dict(multi.namespaces) == {"event": "dynamo"}
    assert multi.default == "cassandra"  # of the coordinator too
    return multi


@manifests
def test_events_lie_on_dynamodb_and_all_else_on_cassandra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = rendered("prod", "services", "event-on-dynamodb")
    multi = on_two(made, tmp_path, monkeypatch)
    assert dynamo_settings(multi.storages["dynamo"]).access_key is None
    account = made.one("ServiceAccount", "scalardb")["metadata"]
    assert "eks.amazonaws.com/role-arn" in account["annotations"]


KEY = {
    "SCALARDB_DYNAMODB_KEY_ID": "access_key_id",
    "SCALARDB_DYNAMODB_KEY": "secret_access_key",
}


@manifests
@pytest.mark.parametrize("more", [(), ("deployment",), ("tls",)], ids=["", "deployment", "tls"])
def test_with_an_access_key_they_lie_there_by_a_secret_of_its_own(
    more: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = rendered("prod", *more, "services", "event-on-dynamodb-secret")
    multi = on_two(made, tmp_path, monkeypatch)
    dynamo = dynamo_settings(multi.storages["dynamo"])
    assert dynamo.access_key == "the Secret's for SCALARDB_DYNAMODB_KEY_ID"
    assert dynamo.secret_key == "the Secret's for SCALARDB_DYNAMODB_KEY"
    assert multi.storages["cassandra"].password == "the Secret's for SCALARDB_PASSWORD"
    # No role besides, which would be taken where the key is wrong.
    account = made.one("ServiceAccount", "scalardb")["metadata"]
    assert "annotations" not in account


@manifests
def test_whoever_reads_these_properties_has_the_access_key() -> None:
    made = rendered("prod", "services", "event-on-dynamodb-secret")
    secret = made.one("Secret", "dynamodb-credentials")
    assert set(secret["data"]) == set(KEY.values())
    readers = [
        (name, template["spec"])
        for name, template in made.pod_specs()
        if "scalardb-properties" in json.dumps(template["spec"]["volumes"])
    ]
    assert {name for name, _ in readers} == {
        "StatefulSet scalardb-cluster",
        "Job scalardb-schema",
        "Job auditor-schema",
        "Job auditor-first-admin",
        "CronJob scalardb-coordinator-cleanup",
    }
    for name, pod in readers:
        [container] = pod["containers"]
        found = {
            one["name"]: one["valueFrom"]["secretKeyRef"]
            for one in container["env"]
            if one["name"] in KEY
        }
        assert {each: one["key"] for each, one in found.items()} == KEY, name
        assert {one["name"] for one in found.values()} == {secret["metadata"]["name"]}, name
    # What Cassandra alone needs is where it was.
    assert made.property_values().keys() >= {
        f"scalar.db.multi_storage.storages.{one}.{what}"
        for one in ("cassandra", "dynamo")
        for what in ("username", "password")
    }


@manifests
def test_the_access_key_may_be_somebody_elses(tmp_path: Path) -> None:
    """A component behind it takes the placeholder away, as k8s/README.md says."""
    behind = tmp_path / "k8s" / "components" / "behind"
    own = own_overlay(tmp_path, "prod", "services", "event-on-dynamodb-secret", "behind")
    behind.mkdir()
    patch = "apiVersion: v1\nkind: Secret\nmetadata: {name: any}\n$patch: delete\n"
    change = {"target": {"kind": "Secret", "name": "dynamodb-credentials"}, "patch": patch}
    (behind / "kustomization.yaml").write_text(
        yaml.safe_dump(
            {
                "apiVersion": "kustomize.config.k8s.io/v1alpha1",
                "kind": "Component",
                "patches": [change],
            }
        )
    )
    made = objects_of(own)
    assert "dynamodb-credentials" not in {
        one["metadata"]["name"][:20] for one in made.all("Secret")
    }
    names = {
        one["valueFrom"]["secretKeyRef"]["name"]
        for one in made.container["env"]
        if one["name"] in KEY
    }
    assert names == {"dynamodb-credentials"}
