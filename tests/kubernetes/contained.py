"""How does a program get the file system, the user and the rights of a container? No engine needed.

Run in mount and network namespaces of its own, as root, with a file that says what: on top of this
machine's files, read-only, come the volumes; then root is given up for good, and the program run.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

CHECKOUT = "/checkout"  # a volume may lie over where it really is
_NO_NEW_PRIVILEGES = 38  # PR_SET_NO_NEW_PRIVS


def _mount(*arguments: str | Path) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True)


def _new_root(work: Path, checkout: str, readable: list[str]) -> Path:
    """This machine's files, to be changed without changing them."""
    _mount("--make-rprivate", "/")
    _mount("-t", "tmpfs", "tmpfs", work)
    upper, inner, root = work / "upper", work / "inner", work / "root"
    for folder in (upper, inner, root):
        folder.mkdir()
    _mount("-t", "overlay", "overlay", "-o", f"lowerdir=/,upperdir={upper},workdir={inner}", root)
    for path in map(Path, readable):
        if path.stat().st_dev != Path("/").stat().st_dev:  # a file system of its own
            _mount("--bind", path, root / path.relative_to("/"))
        for folder in (path, *path.parents):  # a Python in root's home is for others, too
            inside = root / folder.relative_to("/")
            inside.chmod(inside.stat().st_mode | 0o055)
    (root / CHECKOUT.lstrip("/")).mkdir()
    _mount("--bind", "-o", "ro", checkout, root / CHECKOUT.lstrip("/"))
    for system in ("proc", "dev"):
        _mount("--rbind", f"/{system}", root / system)
    return root


def _volume(root: Path, volume: dict[str, Any], group: int) -> None:
    place = root / volume["path"].lstrip("/")
    _mount("-t", "tmpfs", "-o", f"mode=2777,gid={group},size=64m", "tmpfs", place)
    for name, text in (volume["files"] or {}).items():
        file = place / name
        file.write_text(text)
        os.chown(file, 0, group)
        file.chmod(volume["mode"])
    if volume["read_only"]:
        _mount("-o", "remount,ro", place)


def _become(user: int, group: int) -> None:
    os.setgroups([])
    os.setgid(group)
    os.setuid(user)  # and with it every capability is gone
    if ctypes.CDLL(None).prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        raise OSError("the right to gain privileges could not be given up")


def main(said: dict[str, Any]) -> None:
    """Become what was said; never returns."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    root = _new_root(Path(said["work"]), said["checkout"], said["readable"])
    for volume in said["volumes"]:
        (root / volume["path"].lstrip("/")).mkdir(parents=True, exist_ok=True)
    _mount("-o", "remount,ro", root)
    for volume in said["volumes"]:
        _volume(root, volume, said["group"])
    os.chroot(root)
    os.chdir(said["folder"])
    _become(said["user"], said["group"])
    os.execve(said["command"][0], said["command"], said["environment"])


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
