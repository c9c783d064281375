"""Is kustomize on this machine? If not, Go builds it, once. What does it make of a folder?

Who has kubectl has kustomize; both make the same of our folders.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import suppress
from functools import cache as once
from pathlib import Path

from tests.servers import places
from tests.servers.artifacts import FETCH_SECONDS, ServerMissingError, run

VERSION = "v5.7.1"
_MODULE = "sigs.k8s.io/kustomize/kustomize/v5"


@once
def kustomize() -> list[str]:
    """The command that renders a folder. ServerMissingError: there is no way to it."""
    if found := shutil.which("kustomize"):
        return [found, "build"]
    target = places.cache() / f"kustomize-{VERSION}"
    if not target.is_dir():
        if found := shutil.which("kubectl"):
            return [found, "kustomize"]
        _build(target)
    return [str(target / "kustomize"), "build"]


def _build(target: Path) -> None:
    go = shutil.which("go")
    if go is None:
        raise ServerMissingError("no `kustomize`, `kubectl` or `go` on the PATH: install one")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetching-", dir=target.parent) as work:
        programs = Path(work, "programs")
        environment = [f"GOBIN={programs}", f"PATH={os.environ['PATH']}"]
        install = ["env", *environment, go, "install", f"{_MODULE}@{VERSION}"]
        run(install, Path(work), FETCH_SECONDS)
        with suppress(OSError):  # another process was faster, and its folder is as good
            programs.rename(target)


def yaml_of(folder: Path) -> str:
    """The objects of a kustomization. AssertionError: kustomize refused it; it says why."""
    done = subprocess.run(
        [*kustomize(), str(folder)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, f"{folder}\n{done.stderr}"
    return done.stdout
