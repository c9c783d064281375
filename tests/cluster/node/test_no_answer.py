"""What is said where no node answers?"""

from __future__ import annotations

import socket

import pytest

import scalar_tx
from scalar_tx import StorageUnavailableError
from scalar_tx.cluster.client.no_answer import no_answer


def told(target: str) -> StorageUnavailableError:
    with scalar_tx.connect(target) as db, pytest.raises(StorageUnavailableError) as caught:
        db.run(lambda tx: tx.get("bank.account", {"id": 1}), retry=0)
    assert caught.value.code == "STX-5061"
    return caught.value


def test_each_address_has_its_reason() -> None:
    with socket.socket() as nobodys:  # bound, and nobody listens
        nobodys.bind(("127.0.0.1", 0))
        where = f"127.0.0.1:{nobodys.getsockname()[1]}"
        message = told(f"grpc://a..b,{where}").message
    assert f"at a..b:60053, {where} (" in message
    assert "a..b: there is no such name" in message
    assert f"{where}: nobody listens there" in message


def test_what_grpc_says_of_its_inside_is_left_out() -> None:
    said = {"a:1": "INTERNAL: 0x7ff at subchannel.cc", "b:2": "Deadline Exceeded"}
    message = no_answer(["a:1", "b:2"], said, []).message
    assert message == "no node answers at a:1, b:2 (b:2: no answer in time)"
