"""Does the rendered job make the first administrator, once, out of its Secret and nothing else?

Run as the manifests say, beside a node that is run so too; the database is SQLite below /tmp.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import tomllib
from typing import TYPE_CHECKING

import pytest

from scalar_auditor.keys import KeyRing
from tests.kubernetes.containers import PROGRAMS, ROOT, Container, python_inside
from tests.kubernetes.rendered import Object, Rendered, rendered
from tests.kubernetes.test_rendered_node import on_sqlite

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

pytestmark = pytest.mark.manifests

SECRET = "auditor-first-admin"
ADMIN = "Ada@example.org"
PASSWORD = "a password that is long enough"
JOBS = ("scalardb-schema", "auditor-schema", SECRET)
# All that the database holds.
DUMP = """if True:
    import sqlite3
    print("\\n".join(sqlite3.connect("/tmp/node.db").iterdump()))
"""
LOG_IN = f"""if True:
    from scalar_auditor.client import connect
    with connect("grpc://127.0.0.1:60053", email={ADMIN!r}, password={PASSWORD!r}) as client:
        print(*client.identity.get_user(user_email={ADMIN.lower()!r}).roles)
"""


def filled(made: Rendered, name: str, files: Mapping[str, str]) -> Rendered:
    """The same objects with real values in a Secret, under the names that it has."""
    secret = made.one("Secret", name)
    assert set(files) == set(secret["data"])
    data = {key: base64.b64encode(text.encode()).decode() for key, text in files.items()}
    objects = tuple({**one, "data": data} if one is secret else one for one in made.objects)
    return dataclasses.replace(made, objects=objects)


def with_services(made: Rendered, **files: str) -> Rendered:
    """The same objects on SQLite, with keys, and with these files for the first admin."""
    made = filled(
        on_sqlite(made),
        "auditor-keys",
        {"keys.json": KeyRing.made("test").as_text()},
    )
    return filled(made, SECRET, files) if files else made


def pod_of(made: Rendered, job: str) -> Object:
    pod: Object = made.one("Job", job)["spec"]["template"]["spec"]
    return pod


def container_of(made: Rendered, job: str) -> Object:
    [container] = pod_of(made, job)["containers"]
    return dict(container)


def begun(made: Rendered, folder: Path) -> Container:
    return Container(made, made.pod, folder, also=tuple(pod_of(made, job) for job in JOBS))


def make_tables(node: Container, made: Rendered) -> None:
    for job in ("scalardb-schema", "auditor-schema"):
        done = node.inside(container_of(made, job))
        assert done.returncode == 0, done.stdout + done.stderr


def held(node: Container, made: Rendered) -> str:
    done = node.inside(made.container, python_inside(), "-c", DUMP)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_makes_one_once_who_can_log_in(tmp_path: Path) -> None:
    files = {"email": f"{ADMIN}\n", "password": f"{PASSWORD}\n"}
    made = with_services(rendered("prod", "services"), **files)
    job = container_of(made, SECRET)
    with begun(made, tmp_path / "node") as node:
        node.await_probe(made.container["startupProbe"])
        # Before the tables are there it fails, and Kubernetes tries again.
        early = node.inside(job)
        assert early.returncode != 0
        assert "identity.role_user" in early.stderr
        assert "Traceback" not in early.stderr
        make_tables(node, made)

        first = node.inside(job)
        assert first.returncode == 0, first.stdout + first.stderr
        assert ADMIN.lower() in first.stdout
        assert PASSWORD not in first.stdout + first.stderr
        before = held(node, made)
        assert ADMIN.lower() in before
        assert PASSWORD not in before

        again = node.inside(job)
        assert again.returncode == 0, again.stdout + again.stderr
        assert "nothing was changed" in again.stdout
        assert held(node, made) == before

        node.await_probe(made.container["readinessProbe"])
        seen = node.inside(made.container, python_inside(), "-c", LOG_IN)
        assert seen.stdout == "AUDIT_ADMIN\n", seen.stderr + node.log.read_text()


def test_it_makes_nobody_out_of_placeholders(tmp_path: Path) -> None:
    made = with_services(rendered("prod", "services"))
    with begun(made, tmp_path / "node") as node:
        node.await_probe(made.container["startupProbe"])
        make_tables(node, made)
        before = held(node, made)
        done = node.inside(container_of(made, SECRET))
        assert done.returncode == 2, done.stdout + done.stderr
        assert "the placeholder REPLACE_ME" in done.stderr
        assert "Traceback" not in done.stderr
        assert held(node, made) == before


def test_it_is_told_by_files_alone() -> None:
    made = rendered("prod", "services")
    pod, job = pod_of(made, SECRET), container_of(made, SECRET)
    [volume] = [one for one in pod["volumes"] if "secret" in one]
    secret = made.one("Secret", SECRET)
    assert volume["secret"]["secretName"] == secret["metadata"]["name"]
    assert volume["secret"]["defaultMode"] == 0o440
    [mount] = [one for one in job["volumeMounts"] if one["name"] == volume["name"]]
    assert mount["readOnly"] is True
    for file in secret["data"]:
        assert f"{mount['mountPath']}/{file}" in job["args"]
    # Neither variables nor another pod have it.
    assert SECRET not in json.dumps(job["env"])
    others = [template for name, template in made.pod_specs() if name != f"Job {SECRET}"]
    assert "secretName" in json.dumps(others)
    assert f'"{secret["metadata"]["name"]}"' not in json.dumps(others)


def test_its_program_is_in_the_image() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    [program] = container_of(rendered("prod", "services"), SECRET)["command"]
    assert program in scripts
    assert {name: place.partition(".")[0] for name, place in scripts.items()}.items() >= (
        PROGRAMS.items()
    )
