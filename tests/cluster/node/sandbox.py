"""A node as in a container: nobody in particular, on a file system that it can't write.

Its mounts are its own. It sees all files there are, and may write /tmp and, where there is one,
/dev/shm. Its user has a number, no name, no home and no rights.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

USER = 10_001
SCRIPT = """
set -e
memory=$1 dev=$2
shift 2
mount --make-rprivate /
mount --bind /tmp /tmp
if [ "$memory" = no ]; then
  mount -t tmpfs -o mode=755 dev "$dev"
  for one in null zero full random urandom; do
    touch "$dev/$one"
    mount --bind "/dev/$one" "$dev/$one"
  done
  mount --rbind "$dev" /dev
fi
mount -o remount,bind,ro /
cd /
exec unshare --user --map-user={user} --map-group={user} "$@"
"""


def in_a_sandbox(command: list[str], folder: Path, *, memory: bool) -> list[str]:
    """The command, run so. ``folder``: an empty one. ``memory``: is there a /dev/shm?"""
    dev = folder / "dev"
    dev.mkdir(parents=True)
    alone = ["unshare", "--mount"]
    if os.geteuid() != 0:
        alone.append("--map-root-user")
    script = SCRIPT.format(user=USER)
    return [*alone, "sh", "-c", script, "sh", "yes" if memory else "no", str(dev), *command]
