"""Is a container's quota found, wherever its control groups say it?"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from scalar_tx.cluster.cpu import cpu_quota, processors

if TYPE_CHECKING:
    from pathlib import Path

V2 = "0::{}\n"
V1 = "12:pids:{0}\n4:cpu,cpuacct:{0}\n0::/\n"

CASES = {
    # files below the root -> quota
    "nothing": ({}, None),
    "v2": ({"proc/self/cgroup": V2.format("/"), "cpu.max": "250000 100000\n"}, 2.5),
    "v2, none": ({"proc/self/cgroup": V2.format("/"), "cpu.max": "max 100000\n"}, None),
    "v2, inside": (
        {"proc/self/cgroup": V2.format("/a/b"), "a/b/cpu.max": "300000 100000\n"},
        3.0,
    ),
    "v2, the one around is narrower": (
        {
            "proc/self/cgroup": V2.format("/a/b"),
            "a/b/cpu.max": "max 100000\n",
            "a/cpu.max": "50000 100000\n",
            "cpu.max": "400000 100000\n",
        },
        0.5,
    ),
    "v2, the path is the host's": (
        {"proc/self/cgroup": V2.format("/kubepods/x"), "cpu.max": "100000 100000\n"},
        1.0,
    ),
    "v1": (
        {
            "proc/self/cgroup": V1.format("/x"),
            "cpu,cpuacct/x/cpu.cfs_quota_us": "150000\n",
            "cpu,cpuacct/x/cpu.cfs_period_us": "50000\n",
        },
        3.0,
    ),
    "v1, none": (
        {
            "proc/self/cgroup": V1.format("/"),
            "cpu/cpu.cfs_quota_us": "-1\n",
            "cpu/cpu.cfs_period_us": "100000\n",
        },
        None,
    ),
    "v1, mounted in the container": (
        {
            "proc/self/cgroup": V1.format("/docker/abc"),
            "cpu/cpu.cfs_quota_us": "200000\n",
            "cpu/cpu.cfs_period_us": "100000\n",
        },
        2.0,
    ),
    "rubbish": ({"proc/self/cgroup": "x\n0\n::\n0::/\n", "cpu.max": "a b c\n"}, None),
    "a period of nothing": ({"proc/self/cgroup": V2.format("/"), "cpu.max": "100000 0"}, None),
    "a way out": ({"proc/self/cgroup": V2.format("/../../x"), "cpu.max": "100000 100000"}, 1.0),
}


@pytest.mark.parametrize("case", CASES)
def test_quota(tmp_path: Path, case: str) -> None:
    files, quota = CASES[case]
    for name, text in files.items():
        file = tmp_path / (name if name.startswith("proc") else f"sys/fs/cgroup/{name}")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    assert cpu_quota(tmp_path) == quota
    allowed = len(os.sched_getaffinity(0))
    expected = allowed if quota is None else min(allowed, int(quota))
    assert processors(tmp_path) == max(1, expected)


def test_here() -> None:
    assert 1 <= processors() <= len(os.sched_getaffinity(0))
