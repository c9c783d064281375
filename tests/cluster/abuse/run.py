"""One abuse in a process of its own, so that it takes no time of whoever measures.

``python -m tests.cluster.abuse.run NAME``: what to abuse comes as a line of JSON, the counts go out
as one when standard input ends.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter
from contextlib import suppress
from typing import Any

from tests.cluster.abuse import calls, guesses, streams
from tests.cluster.abuse.calls import Abuse

ALONE = "ABUSE_RATIO" in os.environ  # as make abuse is

ABUSES: dict[str, Any] = {
    one.__name__: one
    for one in (
        calls.giant_messages,
        calls.deep_nesting,
        calls.empty_millions,
        calls.log_in_flood,
        calls.metadata_flood,
        calls.slow_readers,
        streams.many_streams,
        streams.open_transactions,
        streams.half_closed,
        streams.silent_streams,
        streams.many_connections,
        streams.partial_frames,
        guesses.identity_login_flood,
        guesses.identity_code_flood,
        guesses.a_thousand_passwords,
        guesses.a_thousand_codes,
    )
}


async def run(name: str, told: dict[str, Any]) -> Counter[str]:
    counts: Counter[str] = Counter()
    stop = asyncio.Event()
    metadata = tuple((key, value) for key, value in told["metadata"])
    abuse = Abuse(told["host"], told["port"], told["java_port"], metadata, stop, counts)
    task = asyncio.ensure_future(ABUSES[name](abuse))
    reading = asyncio.ensure_future(asyncio.to_thread(sys.stdin.read))
    await asyncio.wait((reading, task), return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    await task
    with suppress(TimeoutError):
        async with asyncio.timeout(20):
            await abuse.let_go()
    return counts


def step_back() -> None:
    """Run only where nobody else wants to: who abuses a node is on another machine.

    Being nice is not enough. A process of nice 10 that computes for 12 ms every 150 ms, and never
    calls the node, makes the usual client's p99 three to four times as long on two processors.
    Beside other tests there is no such place for minutes, and nice has to do.
    """
    if not ALONE:
        os.nice(10)
    elif hasattr(os, "SCHED_IDLE"):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    else:
        os.nice(19)


def main() -> None:
    step_back()
    told = json.loads(sys.stdin.readline())
    print(json.dumps(asyncio.run(run(sys.argv[1], told))), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
