"""What comes of a program when each transaction has a thread, and the machine decides the order?"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier
from typing import TYPE_CHECKING

from scalar_tx.connection import build
from scalar_tx.consensus_commit.transaction import TransactionSteps
from scalar_tx.runtime.blocking import BlockingRuntime, run_blocking
from scalar_tx.settings import load as load_settings
from tests.hermitage.operations import GivenUp, Result, Session, play
from tests.hermitage.places import SETTINGS
from tests.hermitage.programs import Ending

if TYPE_CHECKING:
    from scalar_tx.consensus_commit.commit_hook import CommitEvent
    from scalar_tx.model.isolation import Isolation
    from tests.hermitage.places import Place
    from tests.hermitage.programs import Program


def play_in_threads(place: Place, program: Program, level: Isolation) -> Ending:
    """All transactions at once, on the place's storage itself."""
    place.reset()
    giving_up: set[str] = set()

    async def hook(event: CommitEvent) -> None:
        if event.transaction_id in giving_up:
            raise GivenUp

    together = Barrier(len(program.transactions))
    with (
        closing(BlockingRuntime()) as runtime,
        ThreadPoolExecutor(len(program.transactions)) as pool,
    ):
        context = build(load_settings(SETTINGS), place.storage, runtime).context
        context.commit_hooks.append(hook)

        def run(name: str) -> tuple[str, Result]:
            tx = TransactionSteps(context, level)
            session = Session(tx, place.whole_table, giving_up, place.names)
            together.wait(timeout=30)
            return name, run_blocking(play(session, program.transactions[name]))

        results = list(pool.map(run, sorted(program.transactions)))
    return Ending(tuple(results), place.rows())
