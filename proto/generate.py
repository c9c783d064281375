"""Which Python module does each .proto file become, and how is it made?

``python proto/generate.py`` writes the modules that are in the repository; ``make protos`` does the
same. protoc names a module after the folder of its source, which is not where our package has it:
what is generated is therefore moved, and the names in it with it.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from google.rpc import status_pb2

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SOURCES: Final = Path(__file__).resolve().parent

# folder under proto/ -> the package that its modules are in
PACKAGES: Final[Mapping[str, str]] = {
    "scalardb": "scalar_tx.cluster.rpc",
    "scalar_auditor/v1": "scalar_auditor.rpc.v1",
    "scalar_tx/v1": "scalar_tx.cluster.rpc.v1",
}

# the first name of a package -> the folder of the repository that it is in, where not the root
HOMES: Final[Mapping[str, str]] = {"scalar_auditor": "services"}


def generate(sources: Path, into: Path) -> None:
    """Write the modules of every .proto file below ``sources`` to their packages below ``into``."""
    files = sorted(path.relative_to(sources).as_posix() for path in sources.rglob("*.proto"))
    homeless = [file for file in files if file.rpartition("/")[0] not in PACKAGES]
    if homeless:
        sys.exit(f"{', '.join(homeless)}: PACKAGES of {Path(__file__).name} names no package")
    with tempfile.TemporaryDirectory() as place:
        _protoc(sources, Path(place), files)
        for made in sorted(Path(place).rglob("*_pb2.py*")):
            package = PACKAGES[made.parent.relative_to(place).as_posix()]
            names = package.split(".")
            target = into.joinpath(HOMES.get(names[0], ""), *names, made.name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(moved(made.read_text("utf-8"), PACKAGES), "utf-8", newline="\n")


def moved(text: str, packages: Mapping[str, str]) -> str:
    """The text of a generated module, with the names of modules as they are in our packages.

    >>> moved("from scalar_tx.v1 import row_pb2 as _row_pb2", {"scalar_tx/v1": "ours.v1"})
    'from ours.v1 import row_pb2 as _row_pb2'
    """
    for folder, package in packages.items():
        name = re.escape(folder.replace("/", "."))
        in_import = rf"^from {name}(?=(?:\.\w+_pb2)? import )"
        in_quotes = rf"(?<=')({name})(?=\.\w+_pb2')"
        text = re.sub(in_import, f"from {package}", text, flags=re.MULTILINE)
        text = re.sub(in_quotes, package, text)
    return text


def _protoc(sources: Path, into: Path, files: Sequence[str]) -> None:
    # google/rpc/status.proto lies beside the module that is made of it.
    others = Path(status_pb2.__file__).parents[2]
    options = [f"--proto_path={sources}", f"--proto_path={others}"]
    options += [f"--python_out={into}", f"--pyi_out={into}"]
    command = [sys.executable, "-m", "grpc_tools.protoc", *options, *files]
    done = subprocess.run(command, check=False)  # noqa: S603  # nothing in it is from outside
    if done.returncode:
        sys.exit(done.returncode)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Generate the Python modules of proto/.")
    parser.add_argument("--sources", type=Path, default=SOURCES, help="the folder proto/")
    parser.add_argument("--into", type=Path, default=SOURCES.parent, help="the repository")
    given = parser.parse_args()
    generate(given.sources, given.into)


if __name__ == "__main__":
    main()
