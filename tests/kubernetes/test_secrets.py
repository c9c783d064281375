"""Is a secret in Secrets only, and does the tree hold none?"""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.kubernetes.rendered import K8S, OVERLAYS, Rendered, objects_of, own_overlay, rendered

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.manifests

PLACEHOLDER = "REPLACE_ME"
CANARY = "canary-5f2c81d7"
SECRET_FILES = {"credentials.env", "tls.crt", "tls.key", "keys.json", "email", "password"}
IN_PROPERTIES = {"${SCALARDB_PASSWORD}", "${SCALARDB_DYNAMODB_KEY}"}
# How many values of Secrets each component brings besides the database's two.
BROUGHT = {
    "deployment": 0,
    "dynamodb-secret": 0,
    "event-on-dynamodb-secret": 2,
    "services": 3,
    "tls": 2,
}


def values_of(secret: dict[str, dict[str, str]]) -> set[str]:
    assert "stringData" not in secret
    return {base64.b64decode(one).decode().strip() for one in secret["data"].values()}


def occurrences(made: Rendered) -> Counter[str]:
    """How often the canary stands in objects of each kind, plain or in base64."""
    encoded = base64.b64encode(CANARY.encode()).decode().rstrip("=")[:-1]
    found: Counter[str] = Counter()
    for one in made.objects:
        if count := len(re.findall(f"{CANARY}|{encoded}", json.dumps(one))):
            found[one["kind"]] += count
    return found


@pytest.mark.parametrize(
    "parts", [*((o,) for o in OVERLAYS), *(("prod", one) for one in BROUGHT)], ids="+".join
)
def test_secrets_hold_placeholders(parts: tuple[str, ...]) -> None:
    secrets = rendered(*parts).all("Secret")
    assert secrets
    for secret in secrets:
        assert values_of(secret) == {PLACEHOLDER}


@pytest.mark.parametrize("component", BROUGHT)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_secret_stays_in_its_secret(overlay: str, component: str, tmp_path: Path) -> None:
    own = own_overlay(tmp_path, overlay, component)
    filled = set()
    for file in (tmp_path / "k8s").rglob("*"):
        if file.is_file() and file.name in SECRET_FILES:
            file.write_text(file.read_text().replace(PLACEHOLDER, CANARY))
            filled.add(file.name)
    assert filled == SECRET_FILES
    found = occurrences(objects_of(own))
    assert set(found) == {"Secret"}
    assert found["Secret"] == 2 + BROUGHT[component]


def test_the_search_would_find_one_elsewhere(tmp_path: Path) -> None:
    own = own_overlay(tmp_path, "dev")
    file = tmp_path / "k8s" / "overlays" / "dev" / "scalardb.properties"
    file.write_text(file.read_text().replace("${SCALARDB_PASSWORD}", CANARY))
    assert occurrences(objects_of(own)) == {"ConfigMap": 1}


def test_no_file_of_the_tree_gives_a_secret_a_value() -> None:
    for file in K8S.rglob("*"):
        if file.suffix in {".yaml", ".properties", ".env"} and file.name not in SECRET_FILES:
            text = file.read_text()
            assert "secretGenerator" not in text or "literals" not in text, file
            assert not re.search(r"^kind: Secret$\n(?!.*\$patch)", text, re.MULTILINE), file
            for value in re.findall(r"password=(.+)", text):
                assert value in IN_PROPERTIES, file


def test_another_password_is_a_rolling_update(tmp_path: Path) -> None:
    generator = {
        "name": "scalardb-credentials",
        "behavior": "replace",
        "literals": ["username=ada", f"password={CANARY}"],
    }
    changed = objects_of(own_overlay(tmp_path, "prod", secretGenerator=[generator]))
    before = rendered("prod")
    assert values_of(changed.one("Secret", "scalardb-credentials")) == {"ada", CANARY}
    assert changed.pod != before.pod
    assert occurrences(changed) == {"Secret": 1}


def test_a_secret_that_something_else_makes(tmp_path: Path) -> None:
    """External Secrets and the like make it under the fixed name."""
    delete = {
        "target": {"kind": "Secret", "name": "scalardb-credentials"},
        "patch": "apiVersion: v1\nkind: Secret\nmetadata: {name: any}\n$patch: delete\n",
    }
    made = objects_of(own_overlay(tmp_path, "prod", patches=[delete]))
    assert made.all("Secret") == []
    names = {
        one["valueFrom"]["secretKeyRef"]["name"]
        for one in made.container["env"]
        if "valueFrom" in one
    }
    assert names == {"scalardb-credentials"}
