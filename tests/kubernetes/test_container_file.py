"""Is the image made the way a linter and the manifests expect?"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.kubernetes.python_tools import CONTAINER_FILES, said_of
from tests.kubernetes.rendered import rendered

pytestmark = pytest.mark.manifests

ROOT = Path(__file__).parents[2]
FILE = ROOT / "Containerfile"


def last_stage() -> dict[str, str]:
    """The instructions that say how the last stage runs; the last of each counts."""
    text = re.sub(r"\\\n\s*", " ", FILE.read_text())
    lines = [one for one in text.splitlines() if one and not one.startswith("#")]
    start = max(n for n, line in enumerate(lines) if line.startswith("FROM "))
    return dict(line.split(maxsplit=1) for line in lines[start:])


def test_hadolint_finds_nothing() -> None:
    code, said = said_of(CONTAINER_FILES, "hadolint", "--no-color", str(FILE))
    assert (code, said) == (0, "")


def test_hadolint_would_find_something(tmp_path: Path) -> None:
    bad = tmp_path / "Containerfile"
    bad.write_text(FILE.read_text().replace("python:3.13-slim-bookworm", "python:latest"))
    assert "DL3007" in said_of(CONTAINER_FILES, "hadolint", "--no-color", str(bad))[1]


def test_it_has_two_stages_on_a_slim_image() -> None:
    images = re.findall(r"^FROM (\S+)", FILE.read_text(), re.MULTILINE)
    assert len(images) == 2
    assert all(re.fullmatch(r"python:3\.\d+-slim-\w+", one) for one in images)


def test_it_runs_as_the_user_of_the_manifests() -> None:
    context = rendered("prod").pod["securityContext"]
    assert last_stage()["USER"] == f"{context['runAsUser']}:{context['runAsGroup']}"


def test_it_runs_what_the_manifests_say() -> None:
    stage, container = last_stage(), rendered("prod").container
    assert stage["ENTRYPOINT"] == '["scalar-tx"]'
    assert stage["CMD"] == str(container["args"]).replace("'", '"')
    exposed = set(map(int, stage["EXPOSE"].split()))
    assert {one["containerPort"] for one in container["ports"]} <= exposed
    assert "/healthz" in stage["HEALTHCHECK"]


def test_what_is_copied_is_there_and_not_ignored() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", FILE.read_text(), re.MULTILINE)
    names = " ".join(copied).split()
    for ignore in (".containerignore", ".dockerignore"):
        kept = re.findall(r"^!(\S+)", (ROOT / ignore).read_text(), re.MULTILINE)
        assert sorted(kept) == sorted(names)
    assert [one for one in names if not (ROOT / one).exists()] == []
