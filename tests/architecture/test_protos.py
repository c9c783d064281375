"""Are the generated modules what proto/ says, and can they be imported where they are?"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.architecture.checkout import GENERATED, ROOT

if TYPE_CHECKING:
    from pathlib import Path

PACKAGE = "scalar_tx/cluster/rpc"
PACKAGES = (PACKAGE, "services/scalar_auditor/rpc")


def generate(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ROOT / "proto" / "generate.py", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def generated(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.name.endswith(GENERATED)
    }


@pytest.mark.parametrize("package", PACKAGES)
def test_generated_modules_are_those_of_the_protos(package: str, tmp_path: Path) -> None:
    done = generate("--into", tmp_path)
    assert done.returncode == 0, done.stderr
    fresh = generated(tmp_path / package)
    committed = generated(ROOT / package)
    assert fresh
    assert sorted(fresh) == sorted(committed)
    changed = [name for name, content in fresh.items() if committed[name] != content]
    assert changed == [], "run make protos"


ROW = """
syntax = "proto3";
package scalar_tx.v1;
message Row { string name = 1; }
"""
# A public import is written in another way than a plain one.
TABLE = """
syntax = "proto3";
package scalar_tx.v1;
import public "scalar_tx/v1/row.proto";
message Table { repeated Row rows = 1; }
"""
CALL = """
syntax = "proto3";
package rpc;
import "scalar_tx/v1/row.proto";
message Call { scalar_tx.v1.Row row = 1; }
"""


@pytest.fixture
def two_folders(tmp_path: Path) -> Path:
    for name, text in {
        "scalar_tx/v1/row.proto": ROW,
        "scalar_tx/v1/table.proto": TABLE,
        "scalardb/call.proto": CALL,
    }.items():
        path = tmp_path / "proto" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


PROBE = """
from scalar_tx.cluster.rpc import call_pb2
from scalar_tx.cluster.rpc.v1 import row_pb2, table_pb2
assert call_pb2.Call(row=row_pb2.Row(name="a")).row.name == "a"
assert table_pb2.Row is row_pb2.Row
print(call_pb2.Call.__module__, table_pb2.Table.__module__)
"""


def test_modules_of_several_folders_find_one_another(two_folders: Path) -> None:
    into = two_folders / "out"
    done = generate("--sources", two_folders / "proto", "--into", into)
    assert done.returncode == 0, done.stderr
    for package in ("scalar_tx", "scalar_tx/cluster", PACKAGE, f"{PACKAGE}/v1"):
        (into / package / "__init__.py").touch()  # else the installed scalar_tx comes first
    probe = subprocess.run(
        [sys.executable, "-c", PROBE], cwd=into, check=False, capture_output=True, text=True
    )
    assert probe.returncode == 0, probe.stderr
    ours = ["scalar_tx.cluster.rpc.call_pb2", "scalar_tx.cluster.rpc.v1.table_pb2"]
    assert probe.stdout.split() == ours
    stubs = [text.decode() for name, text in generated(into).items() if name.endswith(".pyi")]
    assert len(stubs) == 3
    assert not any("from scalar_tx.v1" in text for text in stubs)


def test_a_folder_without_a_package_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "row.proto").write_text(ROW)
    done = generate("--sources", tmp_path, "--into", tmp_path / "out")
    assert done.returncode != 0
    assert "elsewhere/row.proto" in done.stderr
    assert not (tmp_path / "out").exists()
