"""What does an installed scalar_tx put into site-packages?"""

from __future__ import annotations

import configparser
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from typing import TYPE_CHECKING

import pytest

from tests.architecture.checkout import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DIST_INFO = f"scalar_tx-{PROJECT['version']}.dist-info"

CONSOLE = "scalar_tx/cluster/console/page"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    folder = tmp_path_factory.mktemp("wheel")
    command = ["-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    built = subprocess.run([sys.executable, *command], check=False, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        yield archive


def test_top_level_names_are_ours_alone(wheel: zipfile.ZipFile) -> None:
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    assert tops == {"scalar_tx", "scalar_schema", "scalar_auditor", DIST_INFO}


def test_every_module_of_the_checkout_is_in_the_wheel(wheel: zipfile.ZipFile) -> None:
    sources = {
        path.relative_to(parent).as_posix()
        for parent, package in (
            (ROOT, "scalar_tx"),
            (ROOT / "schema", "scalar_schema"),
            (ROOT / "services", "scalar_auditor"),
        )
        for path in (parent / package).rglob("*.py")
    }
    packed = {name for name in wheel.namelist() if name.endswith(".py")}
    assert packed == sources


def test_both_packages_say_that_they_are_typed(wheel: zipfile.ZipFile) -> None:
    assert {"scalar_tx/py.typed", "scalar_schema/py.typed", "scalar_auditor/py.typed"} <= set(
        wheel.namelist()
    )


def test_the_pages_of_the_console_are_there(wheel: zipfile.ZipFile) -> None:
    folder = ROOT / CONSOLE
    pages = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {"page.html", "page.css", "page.js", "panels/40-stuck.js"} <= pages
    assert {f"{CONSOLE}/{name}" for name in pages} <= set(wheel.namelist())


def test_commands_and_license_are_there(wheel: zipfile.ZipFile) -> None:
    entry_points = configparser.ConfigParser()
    entry_points.read_string(wheel.read(f"{DIST_INFO}/entry_points.txt").decode())
    assert dict(entry_points["console_scripts"]) == PROJECT["scripts"]
    assert wheel.read(f"{DIST_INFO}/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()


def test_a_bare_install_brings_no_driver(wheel: zipfile.ZipFile) -> None:
    metadata = Parser().parsestr(wheel.read(f"{DIST_INFO}/METADATA").decode())
    needed = metadata.get_all("Requires-Dist", [])
    bare = {line.partition(">")[0] for line in needed if "extra ==" not in line}
    assert bare == {"tenacity", "typer", "rich"}


def test_the_tables_of_the_services_are_there(wheel: zipfile.ZipFile) -> None:
    for path in (ROOT / "namespaces").glob("*.json"):
        assert wheel.read(f"scalar_auditor/namespaces/{path.name}") == path.read_bytes()
