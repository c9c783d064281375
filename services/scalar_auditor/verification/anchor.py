"""How are all heads written down where who can write to the database can't reach them?

An anchor is a file of lines of JSON: a header, and for each monitored item where its chain was. The
header has the number of heads, their SHA-256, and a MAC of the services' key over itself:

    {"anchor": 1, "made_at": 1764000000000, "key_id": "2026-11", "heads": 1, "sha256": …, "mac": …}
    {"item_id": "7", "asset_version": 3, "head_digest": "…", "key_id": "2026-11"}

Kept elsewhere, it finds what the chain alone can't: a database that was put back to an older state
as a whole, or an item of which every row was removed (docs/tamper-evidence.md).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
import shutil
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from scalar_auditor.keys import UnknownKeyError
from scalar_auditor.verification import evidence, rules
from scalar_auditor.verification.evidence import Head
from scalar_auditor.verification.model import ItemStatus
from scalar_auditor.whole_tables import looked, pages_of
from scalar_tx.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from scalar_auditor.keys import KeyRing
    from scalar_tx.manager_async import AsyncTransactionManager
    from scalar_tx.transaction_async import AsyncTransaction

_FORM: Final = 1
_PURPOSE: Final = "anchor"
_S3: Final = re.compile(r"s3://(?P<bucket>[^/]+)/(?P<key>.+)")
_LONGEST_LINE: Final = 4096  # bytes


@dataclass(frozen=True, slots=True)
class Header:
    """What an anchor says of itself. ``made_at``: milliseconds since 1970, before it was begun."""

    made_at: int
    key_id: str
    heads: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Written:
    """What came of making an anchor. ``left_out``: items whose status is not as it was signed."""

    header: Header
    left_out: list[str]


async def write(
    manager: AsyncTransactionManager,
    keys: KeyRing,
    target: str,
    now_ms: int,
    progress: Callable[[int], None] = lambda _: None,
) -> Written:
    """Write the heads of all monitored items to a file or to ``s3://bucket/key``.

    A head is anchored only if its status and its entry are as they were signed: an anchor of what
    was altered would vouch for it. ``progress`` is told how many heads there are so far.
    SettingsError, STX-5320: the file is there already, or can't be written.
    """
    left_out: list[str] = []
    with tempfile.TemporaryFile() as body:
        digest, count = hashlib.sha256(), 0
        async for page in pages_of(manager, ItemStatus):
            for status in page:
                head = await looked(manager, _head_of, keys, status.item_id)
                if head is None:
                    left_out.append(status.item_id)
                    continue
                line = _line(
                    item_id=head.item_id,
                    asset_version=head.asset_version,
                    head_digest=head.head_digest,
                    key_id=head.key_id,
                )
                body.write(line)
                digest.update(line)
                count += 1
            progress(count)
        header = Header(now_ms, keys.current, count, digest.hexdigest())
        body.seek(0)
        with _written(target) as file:
            file.write(_line(**_claims(header), mac=_mac(keys, header)))
            shutil.copyfileobj(body, file)
    return Written(header, left_out)


async def _head_of(tx: AsyncTransaction, keys: KeyRing, item_id: str) -> Head | None:
    status = await rules.status_of(tx, item_id)
    newest = await rules.newest_entry(tx, item_id)
    found = evidence.of_head(status, newest)
    if status is None or newest is None:
        return None
    found += evidence.of_status(keys, status) + evidence.of_entry(keys, newest)
    if found or newest.digest is None:
        return None
    return Head(item_id, newest.asset_version, newest.digest, newest.key_id or "")


@contextmanager
def anchor_at(source: str, keys: KeyRing) -> Iterator[Anchor]:
    """The anchor of a file or of ``s3://bucket/key``, checked as a whole.

    SettingsError, STX-5321: it can't be read, is not whole, or was signed by nobody with the key.
    """
    with _opened(source) as file:
        anchor = Anchor(source, file, keys)
        yield anchor


class Anchor:
    """An anchor that was checked."""

    def __init__(self, source: str, file: IO[bytes], keys: KeyRing) -> None:
        self._source = source
        self._file = file
        self.header = self._checked(keys)

    def heads(self) -> Iterator[Head]:
        """Each head, as it was when the anchor was made."""
        self._file.seek(0)
        self._file.readline()
        for line in self._file:
            found = json.loads(line)
            yield Head(
                found["item_id"], found["asset_version"], found["head_digest"], found["key_id"]
            )

    def _checked(self, keys: KeyRing) -> Header:
        try:
            first = json.loads(self._file.readline(_LONGEST_LINE))
            header = Header(
                int(first["made_at"]),
                str(first["key_id"]),
                int(first["heads"]),
                str(first["sha256"]),
            )
            mac, form = str(first["mac"]), first["anchor"]
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise self._wrong("has no header of an anchor") from error
        if form != _FORM:
            raise self._wrong(f"is of another form, {form!r:.20}")
        try:
            expected = _mac(keys, header)
        except UnknownKeyError as error:
            raise self._wrong(
                f"is signed by the key {header.key_id!r:.80}, which is not there"
            ) from error
        if not hmac.compare_digest(mac.encode(), expected.encode()):
            raise self._wrong("is not signed by the key that it names")
        digest, count = hashlib.sha256(), 0
        for line in self._file:
            digest.update(line)
            count += 1
        if (count, digest.hexdigest()) != (header.heads, header.sha256):
            raise self._wrong("does not have the heads that it was signed with")
        return header

    def _wrong(self, what: str) -> SettingsError:
        return SettingsError(
            f"the anchor {self._source} {what}",
            advice="Take another copy of it, and the file of keys that was used then",
            code="STX-5321",
        )


def _claims(header: Header) -> dict[str, Any]:
    return {
        "anchor": _FORM,
        "made_at": header.made_at,
        "key_id": header.key_id,
        "heads": header.heads,
        "sha256": header.sha256,
    }


def _mac(keys: KeyRing, header: Header) -> str:
    return keys.mac_for(_PURPOSE, _line(**_claims(header)), header.key_id).hex()


def _line(**values: Any) -> bytes:
    return json.dumps(values, separators=(",", ":")).encode() + b"\n"


@contextmanager
def _written(target: str) -> Iterator[IO[bytes]]:
    place = _S3.fullmatch(target)
    if place is not None:
        with tempfile.TemporaryFile() as file:
            yield file
            file.seek(0)
            _to_s3(file, target, place.groupdict())
        return
    path = Path(target)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        if path.exists():
            raise FileExistsError(17, "is there already, and an anchor is never written over")
        with part.open("xb") as file:
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
                os.link(part, path)  # which fails, where somebody was faster
            finally:
                part.unlink()
    except OSError as error:
        raise _unwritable(target, error.strerror or str(error)) from error


def _to_s3(file: IO[bytes], target: str, place: Mapping[str, str]) -> None:
    client, errors = _s3(target)
    try:
        # Once there it stays: a second one under its name is refused by the store itself.
        client.put_object(Bucket=place["bucket"], Key=place["key"], Body=file, IfNoneMatch="*")
    except errors as error:
        raise _unwritable(target, str(error)) from error


def _unwritable(target: str, why: str) -> SettingsError:
    return SettingsError(
        f"the anchor {target} can't be written: {why}",
        advice="Name a new file in a folder that is there, or s3://bucket/key of a bucket of yours",
        code="STX-5320",
    )


@contextmanager
def _opened(source: str) -> Iterator[IO[bytes]]:
    place = _S3.fullmatch(source)
    if place is None:
        with ExitStack() as opened:
            try:
                file = opened.enter_context(Path(source).open("rb"))
            except OSError as error:
                raise _unreadable(source, error.strerror or str(error)) from error
            yield file
        return
    client, errors = _s3(source)
    with tempfile.TemporaryFile() as copy:
        try:
            client.download_fileobj(place["bucket"], place["key"], copy)
        except errors as error:
            raise _unreadable(source, str(error)) from error
        copy.seek(0)
        yield copy


def _unreadable(source: str, why: str) -> SettingsError:
    return SettingsError(
        f"the anchor {source} can't be read: {why}",
        advice="Name the file, or s3://bucket/key, that the anchor was written to",
        code="STX-5321",
    )


def _s3(place: str) -> tuple[Any, tuple[type[Exception], ...]]:
    """A client, and the errors of its calls."""
    try:
        import boto3  # type: ignore[import-untyped]
        from boto3.exceptions import Boto3Error  # type: ignore[import-untyped]
        from botocore.exceptions import (  # type: ignore[import-untyped]
            BotoCoreError,
            ClientError,
        )
    except ImportError as error:
        raise SettingsError(
            f"{place} is in S3, and the package for it is not installed",
            advice="pip install 'scalar-tx[dynamodb]'",
            code="STX-5322",
        ) from error
    return boto3.client("s3"), (Boto3Error, BotoCoreError, ClientError)
