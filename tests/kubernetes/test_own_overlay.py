"""Does what k8s/README.md says of an overlay of one's own work as it stands there?"""

from __future__ import annotations

import base64
import re
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.kubernetes.rendered import K8S, Rendered, objects_of

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.manifests


def made_of(folder: Path, *blocks: str) -> Rendered:
    shutil.copytree(K8S, folder / "scalar_tx" / "k8s")
    own = folder / "own"
    own.mkdir(exist_ok=True)
    (own / "kustomization.yaml").write_text("\n".join(blocks))
    (own / "credentials.env").write_text("username=ada\npassword=secret\n")
    (own / "schemas.json").write_text('{"shop.item": {}}')
    return objects_of(own)


def blocks() -> list[str]:
    return re.findall(r"```yaml\n(.+?)```", (K8S / "README.md").read_text(), re.DOTALL)


def test_it_names_image_secret_and_tables(tmp_path: Path) -> None:
    made = made_of(tmp_path, blocks()[0])
    images = {
        one["image"]
        for name, template in made.pod_specs()
        for one in template["spec"]["containers"]
        if name != "StatefulSet cassandra"
    }
    assert images == {"registry.example.com/scalar-tx:0.1.0"}
    [secret] = made.all("Secret")
    assert base64.b64decode(secret["data"]["password"]) == b"secret"
    schemas = made.one("ConfigMap", "scalardb-schemas")
    assert "shop.item" in schemas["data"]["schemas.json"]
    assert {one["metadata"].get("namespace") for one in made.objects} == {"scalardb-prod", None}
    assert made.all("HorizontalPodAutoscaler")


def test_a_secret_may_be_somebody_elses(tmp_path: Path) -> None:
    first, second, *_ = blocks()
    without = re.sub(r"secretGenerator:\n(  .+\n)+", "", first)
    assert made_of(tmp_path, without, second).all("Secret") == []


def test_settings_are_a_file_of_its_own(tmp_path: Path) -> None:
    first, _, own, *_ = blocks()
    together = first.replace("configMapGenerator:\n", own)
    text = (K8S / "base" / "scalardb.properties").read_text().replace("port=8080", "port=8081")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "scalardb.properties").write_text(text)
    assert made_of(tmp_path, together).property_values()["scalar.db.node.http_port"] == "8081"


@pytest.mark.parametrize("parts", [("tls",), ("tls", "http-tls")], ids="+".join)
def test_the_certificate_is_its_own(tmp_path: Path, parts: tuple[str, ...]) -> None:
    first, _, _, certificate, *_ = blocks()
    names = ["tls.crt", "tls.key", "ca.crt"][: 1 + len(parts)]
    certificate = certificate.replace("[tls.crt, tls.key, ca.crt]", f"[{', '.join(names)}]")
    folder = tmp_path / "own" / "certificate"
    folder.mkdir(parents=True)
    (folder / "kustomization.yaml").write_text(certificate)
    for name in names:
        (folder / name).write_text(f"this is {name}")
    behind = "".join(f"  - ../scalar_tx/k8s/components/{one}\n" for one in parts)
    first = first.replace("components:\n", f"components:\n{behind}  - certificate\n")
    made = made_of(tmp_path, first)
    secret = made.one("Secret", "scalardb-tls")
    assert secret["type"] == "kubernetes.io/tls"
    found = {name: base64.b64decode(one).decode() for name, one in secret["data"].items()}
    assert found == {name: f"this is {name}" for name in names}
    assert secret["metadata"]["name"] in {
        one["secret"]["secretName"] for one in made.pod["volumes"] if "secret" in one
    }


def test_the_certificate_may_be_somebody_elses(tmp_path: Path) -> None:
    first, patch, _, certificate, *_ = blocks()
    folder = tmp_path / "own" / "certificate"
    folder.mkdir(parents=True)
    head = certificate.partition("secretGenerator:")[0]
    (folder / "kustomization.yaml").write_text(
        head + patch.replace("scalardb-credentials", "scalardb-tls")
    )
    tls = "components:\n  - ../scalar_tx/k8s/components/tls\n  - certificate\n"
    made = made_of(tmp_path, first.replace("components:\n", tls))
    names = [one["metadata"]["name"] for one in made.all("Secret")]
    assert [name.startswith("scalardb-credentials-") for name in names] == [True]


def test_the_services_secrets_are_its_own(tmp_path: Path) -> None:
    first, _, _, _, secrets, chosen, key = blocks()
    files = {"keys.json": "keys", "email": "ada@example.org", "password": "a long password"}
    own = tmp_path / "own"
    for name, text in (("secrets", secrets), ("chosen", chosen), ("key", key)):
        (own / name).mkdir(parents=True)
        (own / name / "kustomization.yaml").write_text(text)
    for name, text in files.items():
        (own / "secrets" / name).write_text(text)
    (own / "key" / "dynamodb.env").write_text("access_key_id=id\nsecret_access_key=key\n")
    named = [
        f"../scalar_tx/k8s/components/{one}" for one in ("services", "event-on-dynamodb-secret")
    ]
    behind = "".join(f"  - {one}\n" for one in (*named, "secrets", "chosen", "key"))
    made = made_of(tmp_path, first.replace("components:\n", f"components:\n{behind}"))
    found = {
        key: base64.b64decode(value).decode()
        for name in ("auditor-keys", "auditor-first-admin", "dynamodb-credentials")
        for key, value in made.one("Secret", name)["data"].items()
    }
    assert found == {**files, "access_key_id": "id", "secret_access_key": "key"}
    variables = {one["name"]: one.get("value") for one in made.container["env"]}
    assert variables["SCALAR_AUDITOR_SERVICES"] == "event,identity"
    # The pods follow the Secrets that were put in the others' places.
    [mounted] = [one for one in made.pod["volumes"] if one["name"] == "auditor-keys"]
    assert mounted["secret"]["secretName"] == made.one("Secret", "auditor-keys")["metadata"]["name"]


def test_the_readme_names_every_component() -> None:
    text = (K8S / "README.md").read_text()
    assert [one.name for one in (K8S / "components").iterdir() if f"`{one.name}`" not in text] == []
