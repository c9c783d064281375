"""Where is the Java program, and is it built?

Compiled classes and jars live under `.cache/java-peer/` of the checkout, each folder named by the
hash of what it was made from and moved into place whole: a second run needs neither Maven nor a
network, and a changed source file is compiled anew.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SOURCES = Path(__file__).parent / "java"
CACHE = Path(__file__).parents[2] / ".cache" / "java-peer"
NEWEST = "3.19.0"
OLDER = "3.15.9"
OLDEST_JAVA = 17
MAVEN_SECONDS = 900
COPY = "dependency:copy-dependencies"
# Start quickly rather than run fast, and leave the other core alone.
SHORT_LIFE = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m")


class JavaMissingError(Exception):
    """What the Java program needs isn't on this machine; the message names it."""


@dataclass(frozen=True)
class Build:
    """A compiled program with one release of ScalarDB."""

    java: Path
    classes: Path
    jars: Path

    def command(self, options: Sequence[str] = SHORT_LIFE) -> list[str]:
        """The program, ready to run, on a JVM with these options."""
        return [
            str(self.java),
            *options,
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-cp",
            f"{self.classes}{os.pathsep}{self.jars}/*",
            "scalar_tx.peer.Main",
        ]


def build(release: str = NEWEST) -> Build:
    """The program with this release of ScalarDB, built if it isn't yet.

    Raises:
        JavaMissingError: no JDK 17, or no Maven where something must be built.
        RuntimeError: Maven failed; its output is in the message.
    """
    java = java_here()
    with alone():
        pom = (SOURCES / "pom.xml").read_bytes()
        jars = CACHE / f"jars-{release}-{digest(pom)}"
        chosen = [f"-Dscalardb.version={release}", f"-Dpeer.api={_api(release)}"]
        if not jars.is_dir():
            maven(SOURCES, [COPY, *chosen], jars, "-DoutputDirectory={into}")
        sources = digest(*(path.read_bytes() for path in source_files(SOURCES)))
        compiled = CACHE / f"classes-{release}-{sources}"
        if not compiled.is_dir():
            maven(SOURCES, ["compile", *chosen], compiled, "-Dpeer.target={into}")
    return Build(java=java, classes=compiled / "classes", jars=jars)


def source_files(sources: Path) -> list[Path]:
    """All files of a program."""
    return sorted(
        path for path in sources.rglob("*") if path.is_file() and "target" not in path.parts
    )


def digest(*contents: bytes) -> str:
    """What tells contents from others, short."""
    digest = hashlib.sha256()
    for content in contents:
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()[:16]


@contextmanager
def alone() -> Iterator[None]:
    """Two test sessions in one checkout build one after the other."""
    CACHE.mkdir(parents=True, exist_ok=True)
    (CACHE / ".gitignore").write_text("*\n")
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def java_here() -> Path:
    """The `java` to use; JavaMissingError."""
    home = os.environ.get("JAVA_HOME")
    found = f"{home}/bin/java" if home else shutil.which("java")
    if found is None or not Path(found).is_file():
        raise JavaMissingError(
            f"no `java` on the PATH nor in JAVA_HOME: install a JDK {OLDEST_JAVA} or newer"
        )
    said = subprocess.run(
        [found, "-version"], capture_output=True, text=True, timeout=60, check=True
    ).stderr
    version = re.search(r'version "(\d+)', said)
    if version is None or int(version[1]) < OLDEST_JAVA:
        raise JavaMissingError(
            f"{found} is too old ({said.splitlines()[0]}): install a JDK {OLDEST_JAVA} or newer"
        )
    return Path(found)


def maven(sources: Path, wanted: Sequence[str], target: Path, output: str) -> None:
    """Run Maven on the sources' pom; what it puts out comes to be `target`, whole or not at all."""
    found = shutil.which("mvn")
    if found is None:
        raise JavaMissingError(f"no `mvn` on the PATH: install Maven to build {sources.name}/")
    into = Path(tempfile.mkdtemp(prefix="building-", dir=CACHE))
    try:
        run = subprocess.run(
            [
                found,
                "-q",
                "-B",
                "-f",
                str(sources / "pom.xml"),
                *wanted,
                output.format(into=into),
            ],
            capture_output=True,
            text=True,
            timeout=MAVEN_SECONDS,
            check=False,
        )
        if run.returncode != 0:
            raise RuntimeError(f"Maven could not do {' '.join(wanted)}:\n{run.stdout[-4000:]}")
        into.rename(target)
    finally:
        shutil.rmtree(into, ignore_errors=True)


def _api(release: str) -> str:
    """Which source variant a release compiles with."""
    major, minor = release.split(".")[:2]
    return "3.19" if (int(major), int(minor)) >= (3, 19) else "3.15"
