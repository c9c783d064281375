"""How many processors was this process given?

A container's quota counts, not the machine's processors: more worker processes than that only
take turns. ``root`` stands in front of every path, so that a test can draw a machine of its own.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_ROOT: Final = Path("/")
_CGROUP: Final = "sys/fs/cgroup"


def processors(root: Path = _ROOT) -> int:
    """Whole processors: what may be used, or the quota where that is less; at least one."""
    allowed = len(os.sched_getaffinity(0))
    quota = cpu_quota(root)
    return max(1, allowed if quota is None else min(allowed, int(quota)))


def cpu_quota(root: Path = _ROOT) -> float | None:
    """How many processors the control groups allow in the mean; None: as many as there are."""
    groups = _groups(root)
    quotas = []
    if "" in groups:
        quotas += [_unified(folder / "cpu.max") for folder in _up(root / _CGROUP, groups[""])]
    if "cpu" in groups:
        for place in ("cpu,cpuacct", "cpu"):
            quotas += [_first_version(one) for one in _up(root / _CGROUP / place, groups["cpu"])]
    return min((quota for quota in quotas if quota is not None), default=None)


def _groups(root: Path) -> dict[str, str]:
    """Controller to the path of the group that this process is in; ``""`` is version 2."""
    found: dict[str, str] = {}
    for line in _text(root / "proc/self/cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0":
            found[""] = path
        for controller in controllers.split(","):
            if controller:
                found[controller] = path
    return found


def _up(mount: Path, group: str) -> list[Path]:
    """The folders of a group and of those around it: each may set a quota.

    In a container the path may be the host's, which is not there: then the mount is the group.
    """
    parts = [part for part in group.split("/") if part not in ("", ".", "..")]
    return [mount.joinpath(*parts[:length]) for length in range(len(parts), -1, -1)]


def _unified(file: Path) -> float | None:
    match _text(file).split():
        case [quota, period] if quota.isdigit() and period.isdigit() and int(period):
            return int(quota) / int(period)
    return None


def _first_version(folder: Path) -> float | None:
    quota, period = _text(folder / "cpu.cfs_quota_us"), _text(folder / "cpu.cfs_period_us")
    # A quota of -1 is none.
    if quota.strip().isdigit() and period.strip().isdigit() and int(period):
        return int(quota) / int(period)
    return None


def _text(file: Path) -> str:
    try:
        return file.read_text("ascii")
    except (OSError, UnicodeDecodeError):
        return ""
