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
    own.mkdir()
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
    first, second = blocks()
    without = re.sub(r"secretGenerator:\n(  .+\n)+", "", first)
    assert made_of(tmp_path, without, second).all("Secret") == []


def test_the_readme_names_every_component() -> None:
    text = (K8S / "README.md").read_text()
    assert [one.name for one in (K8S / "components").iterdir() if f"`{one.name}`" not in text] == []
