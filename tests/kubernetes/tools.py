"""Are promtool and Prometheus on this machine? If not, Debian's package brings them, once.

It is unpacked and not installed, so that nobody has to be root.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from contextlib import suppress
from functools import cache as once
from pathlib import Path

from tests.servers import places
from tests.servers.artifacts import FETCH_SECONDS, ServerMissingError, run

PACKAGE = "prometheus"
_REMEDY = "install Prometheus with promtool, or apt-get and dpkg to fetch it"


def promtool() -> str:
    """The program that checks and tests rules. ServerMissingError: there is no way to it."""
    return _program("promtool")


def prometheus() -> str:
    """Prometheus itself. ServerMissingError: there is no way to it."""
    return _program("prometheus")


@once
def _program(name: str) -> str:
    return shutil.which(name) or str(_unpacked() / "usr" / "bin" / name)


def _unpacked() -> Path:
    target = places.cache() / f"debian-{PACKAGE}"
    if target.is_dir():
        return target
    apt, dpkg = shutil.which("apt-get"), shutil.which("dpkg")
    if apt is None or dpkg is None:
        raise ServerMissingError(f"no `{PACKAGE}` on the PATH: {_REMEDY}")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetching-", dir=target.parent) as work:
        _download(apt, Path(work))
        [package] = Path(work).glob("*.deb")
        files = Path(work, "files")
        run([dpkg, "-x", str(package), str(files)], Path(work), FETCH_SECONDS)
        files.chmod(0o755)  # the servers' user enters, too
        with suppress(OSError):  # another process was faster, and its folder is as good
            files.rename(target)
    return target


def _download(apt: str, into: Path) -> None:
    download = ["download", PACKAGE]
    with suppress(RuntimeError):  # the machine's package lists are missing, or old
        run([apt, "-q", *download], into, FETCH_SECONDS)
        return
    lists = into / "lists"
    (lists / "partial").mkdir(parents=True)
    (into / "archives" / "partial").mkdir(parents=True)
    own = ["-q", "-o", f"Dir::State::Lists={lists}", "-o", f"Dir::Cache={into}"]
    run([apt, *own, "update"], into, FETCH_SECONDS)
    run([apt, *own, *download], into, FETCH_SECONDS)


def said_by(*command: str, folder: Path) -> str:
    """What a tool printed, which has to succeed."""
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout
