"""Are a server's programs on this machine? If not, Maven fetches them, once.

A fetched folder is moved into place whole; from then on neither Maven nor a network is needed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import zipfile
from contextlib import suppress
from functools import cache as once
from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers import places

if TYPE_CHECKING:
    from collections.abc import Callable

OLDEST_JAVA = 17
FETCH_SECONDS = 900

_POM = """\
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>scalar-tx</groupId>
  <artifactId>servers</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>{group}</groupId>
      <artifactId>{artifact}</artifactId>
      <version>{version}</version>
    </dependency>
  </dependencies>
</project>
"""


class ServerMissingError(Exception):
    """What a server needs isn't on this machine; the message names it and the remedy."""


def fetched(coordinates: str, unpack: Callable[[Path], None] | None = None) -> Path:
    """The folder with an artifact (``group:artifact:version``) and what it depends on.

    ``unpack`` makes of the folder of jars what a server needs.

    Raises:
        ServerMissingError: nothing is there yet, and neither is Maven.
        RuntimeError: Maven failed; its output is in the message.
    """
    group, artifact, version = coordinates.split(":")
    target = places.cache() / f"{artifact}-{version}"
    if target.is_dir():
        return target
    maven = shutil.which("mvn")
    if maven is None:
        raise ServerMissingError(f"no `mvn` on the PATH: install Maven to fetch {coordinates}")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetching-", dir=target.parent) as work:
        jars = Path(work, "jars")
        Path(work, "pom.xml").write_text(
            _POM.format(group=group, artifact=artifact, version=version)
        )
        goal = "dependency:copy-dependencies"
        into = f"-DoutputDirectory={jars}"
        run([maven, "-q", "-B", goal, into, "-DincludeScope=runtime"], Path(work), FETCH_SECONDS)
        if unpack is not None:
            unpack(jars)
        with suppress(OSError):  # another process was faster, and its folder is as good
            jars.rename(target)
    return target


def run(command: list[str], folder: Path, seconds: float) -> None:
    """Run a program to its end in a folder.

    RuntimeError: it failed; what it printed is in the message.
    """
    done = subprocess.run(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        timeout=seconds,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}:\n{done.stdout[-4000:]}")


def keep_only(jars: Path, jar: str, inside: str) -> None:
    """Put the files below ``inside`` of one jar in the place of all jars, ready to be run."""
    [packed] = jars.glob(jar)
    with zipfile.ZipFile(packed) as archive:
        for member in archive.infolist():
            if member.is_dir() or not member.filename.startswith(inside):
                continue
            target = jars / member.filename.removeprefix(inside).lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(member) as source, target.open("wb") as copy:
                shutil.copyfileobj(source, copy)
            target.chmod(0o755)
    for each in jars.glob("*.jar"):
        each.unlink()


@once
def java() -> str:
    """The Java program.

    ServerMissingError: there is none, or it is too old.
    """
    remedy = f"install a JDK {OLDEST_JAVA} or newer"
    home = os.environ.get("JAVA_HOME")
    found = f"{home}/bin/java" if home else shutil.which("java")
    if found is None or not Path(found).is_file():
        raise ServerMissingError(f"no `java` on the PATH nor in JAVA_HOME: {remedy}")
    said = subprocess.run(
        [found, "-version"], capture_output=True, text=True, timeout=60, check=True
    ).stderr
    version = re.search(r'version "(\d+)', said)
    if version is None or int(version[1]) < OLDEST_JAVA:
        raise ServerMissingError(f"{found} is too old ({said.splitlines()[0]}): {remedy}")
    return found


def quick_start() -> tuple[str, ...]:
    """Options of Java for a server that lives as long as a few tests: its first compiler alone.

    The second one doubles what a start of Cassandra costs, which some tests wait for again and
    again. Whoever starts a server outside of pytest, to measure or to look, has both.
    """
    return ("-XX:TieredStopAtLevel=1",) if "PYTEST_VERSION" in os.environ else ()
