"""Does an answer reach whoever waits for it, whichever comes first?"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx.storage.cassandra.replies import Reply
from scalar_tx.storage.cassandra.wire import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

ANSWER = Answer([(b"1",)])
COUNT = 200
SECONDS = 10


class Asked:
    """What the driver's future does here: it calls back, once."""

    def __init__(self) -> None:
        self.answer: Callable[[Any], None]
        self.fail: Callable[[BaseException], None]

    def add_callbacks(
        self, callback: Callable[[Any], None], errback: Callable[[BaseException], None]
    ) -> None:
        self.answer, self.fail = callback, errback


def test_a_thread_gets_an_answer_that_is_there() -> None:
    asked = Asked()
    reply = Reply(asked)
    asked.answer(ANSWER)
    assert reply.result() is ANSWER
    assert reply.result() is ANSWER  # it stays there


def test_a_thread_waits_for_its_answer() -> None:
    asked = Asked()
    reply = Reply(asked)
    later = threading.Timer(0.05, asked.answer, [ANSWER])
    later.start()
    assert reply.result() is ANSWER
    later.join()


def test_a_statement_without_rows_has_an_answer() -> None:
    asked = Asked()
    reply = Reply(asked)
    asked.answer(None)
    assert reply.result().rows == ()


def test_errors_are_raised() -> None:
    async def raised(reply: Reply) -> None:
        with pytest.raises(ConnectionResetError):
            await reply

    asked = Asked()
    reply = Reply(asked)
    asked.fail(ConnectionResetError())
    with pytest.raises(ConnectionResetError):
        reply.result()
    asyncio.run(raised(reply))


def test_tasks_get_their_answers_from_another_thread() -> None:
    asked = [Asked() for _ in range(COUNT)]
    answers = [Answer([(str(number).encode(),)]) for number in range(COUNT)]
    replies = [Reply(one) for one in asked]

    def answer_all() -> None:
        for one, answer in zip(asked, answers, strict=True):
            one.answer(answer)

    async def wait(reply: Reply) -> Answer:
        return await reply

    async def steps() -> list[Answer]:
        thread = threading.Thread(target=answer_all)
        thread.start()  # some answers are there before they are waited for
        async with asyncio.timeout(SECONDS):
            found = await asyncio.gather(*map(wait, replies))
        thread.join()
        return found

    assert asyncio.run(steps()) == answers


def test_an_answer_that_comes_while_a_task_begins_to_wait_is_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def steps() -> Answer:
        asked = Asked()
        reply = Reply(asked)
        loop = asyncio.get_running_loop()
        genuine = loop.create_future

        def answered_meanwhile() -> asyncio.Future[Any]:
            monkeypatch.setattr(loop, "create_future", genuine)
            asked.answer(ANSWER)
            return genuine()

        monkeypatch.setattr(loop, "create_future", answered_meanwhile)
        async with asyncio.timeout(1):
            return await reply

    assert asyncio.run(steps()) is ANSWER


def test_a_loop_is_woken_once_for_answers_that_come_together_and_again_for_later_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def wait(reply: Reply) -> Answer:
        return await reply

    async def steps() -> int:
        loop = asyncio.get_running_loop()
        woken = 0
        genuine = loop.call_soon_threadsafe

        def count(*arguments: Any, **options: Any) -> Any:
            nonlocal woken
            woken += 1
            return genuine(*arguments, **options)

        monkeypatch.setattr(loop, "call_soon_threadsafe", count)
        for _ in range(2):
            asked = [Asked() for _ in range(COUNT)]
            tasks = [asyncio.ensure_future(wait(Reply(one))) for one in asked]
            await asyncio.sleep(0)
            for one in asked:
                one.answer(ANSWER)
            async with asyncio.timeout(SECONDS):
                await asyncio.gather(*tasks)
        return woken

    assert asyncio.run(steps()) == 2


def test_who_gives_up_leaves_the_others_alone() -> None:
    async def wait(reply: Reply) -> Answer:
        return await reply

    async def steps() -> None:
        first, second = Asked(), Asked()
        given_up = asyncio.ensure_future(wait(Reply(first)))
        waiting = asyncio.ensure_future(wait(Reply(second)))
        await asyncio.sleep(0)
        given_up.cancel()
        first.answer(ANSWER)
        second.answer(ANSWER)
        async with asyncio.timeout(SECONDS):
            assert await waiting is ANSWER
        assert given_up.cancelled()

    asyncio.run(steps())


def test_an_answer_after_the_end_of_the_loop_harms_nobody() -> None:
    late, asked = Asked(), Asked()

    async def give_up(reply: Reply) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await reply

    async def wait(reply: Reply) -> Answer:
        asyncio.get_running_loop().call_later(0.01, asked.answer, ANSWER)
        async with asyncio.timeout(SECONDS):
            return await reply

    asyncio.run(give_up(Reply(late)))
    late.answer(ANSWER)
    assert asyncio.run(wait(Reply(asked))) is ANSWER  # the next loop has a mailbox of its own
