"""Who stops the servers when their owner dies without a word?

The main of a small process that outlives its owner: it waits on the owner's pid, then kills what is
left and removes the data. Not the kernel's signal to orphans: that comes already when the thread
that started a server ends. Lines on standard input say what there is::

    start PID        a server runs
    end PID          it does not any more
    folder PATH      data to remove
    mount PATH       a file system to unmount before
"""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys

from tests.servers import processes


def main(owner: int) -> None:
    """Wait until the owner dies or closes our input; then clean up behind it."""
    kept: dict[str, set[str]] = {"start": set(), "folder": set(), "mount": set()}
    os.set_blocking(0, False)
    death = death_of(owner)
    pending = b""
    while True:
        if death is not None:
            select.select([0, death], [], [])
        try:  # what was said before death is heard, though we may have come after it
            received = os.read(0, 65536)
        except BlockingIOError:
            break  # dead, and nothing left to hear
        if not received:
            break
        *lines, pending = (pending + received).split(b"\n")
        for line in lines:
            word, _, what = line.decode().partition(" ")
            if word == "end":
                kept["start"].discard(what)
            else:
                kept[word].add(what)
    for pid in kept["start"]:
        processes.await_end(processes.kill(int(pid)))
    for place in kept["mount"]:
        subprocess.run(["umount", "-l", place], check=False, stderr=subprocess.DEVNULL)
    for folder in kept["folder"]:
        shutil.rmtree(folder, ignore_errors=True)


def death_of(owner: int) -> int | None:
    """Something to wait on until the owner dies; None: it is dead already."""
    try:
        death = os.pidfd_open(owner)
    except ProcessLookupError:
        return None
    # An owner who died before may have another's number by now, but that isn't our parent.
    return death if os.getppid() == owner else None


if __name__ == "__main__":
    main(int(sys.argv[1]))
