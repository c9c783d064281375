"""Does an anchor hold all heads, and is one refused that is not as it was written?"""

from __future__ import annotations

import http.server
import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scalar_auditor.keys import KeyRing
from scalar_auditor.verification import anchor
from scalar_tx.errors import SettingsError
from tests.services.stage import Stage
from tests.services.verification.scene import monitored, new_item

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = 1_764_000_000_000


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """One whose tables hold what a test here has put there."""
    with Stage(names=("verification",)) as one:
        for versions in (1, 2, 3):
            monitored(one, versions, f"i{versions}")
        new_item(one, "nobody's")
        yield one


def written(stage: Stage, path: Path) -> anchor.Written:
    found = stage.run(anchor.write(stage.manager, stage.keys, str(path), NOW))
    assert isinstance(found, anchor.Written)
    return found


def read(path: Path | str, keys: KeyRing) -> dict[str, tuple[int, str]]:
    with anchor.anchor_at(str(path), keys) as one:
        return {head.item_id: (head.asset_version, head.head_digest) for head in one.heads()}


def heads(stage: Stage) -> dict[str, tuple[int, str]]:
    rows = stage.rows("verification.item_status")
    return {row["item_id"]: (row["asset_version"], row["head_digest"]) for row in rows}


def test_it_has_the_head_of_each_monitored_item(stage: Stage, tmp_path: Path) -> None:
    found = written(stage, tmp_path / "a.jsonl")
    assert (found.header.heads, found.header.made_at, found.left_out) == (3, NOW, [])
    assert read(tmp_path / "a.jsonl", stage.keys) == heads(stage)
    assert [one.name for one in tmp_path.iterdir()] == ["a.jsonl"]


def test_a_head_that_was_altered_is_not_vouched_for(tmp_path: Path) -> None:
    with Stage(names=("verification",)) as stage:
        for item in ("a", "b", "c", "d"):
            monitored(stage, 2, item)
        row = stage.get("verification.item_status", item_id="b") or {}
        stage.put("verification.item_status", **(row | {"tampering_status": "x"}))
        row = stage.get("verification.asset_history", item_id="c", asset_version=2) or {}
        stage.put("verification.asset_history", **(row | {"recorded_by": "x"}))
        key: dict[str, Any] = {"item_id": "d", "asset_version": 2}
        stage.run(stage.manager.delete("verification.asset_history", key))
        found = written(stage, tmp_path / "a")
        assert sorted(found.left_out) == ["b", "c", "d"]
        assert read(tmp_path / "a", stage.keys).keys() == {"a"}


def test_what_was_written_is_not_written_over(stage: Stage, tmp_path: Path) -> None:
    path = tmp_path / "a"
    written(stage, path)
    before = path.read_bytes()
    with pytest.raises(SettingsError, match="never written over") as caught:
        written(stage, path)
    assert (caught.value.code, path.read_bytes()) == ("STX-5320", before)
    with pytest.raises(SettingsError, match="can't be written") as caught:
        written(stage, tmp_path / "nowhere" / "a")
    assert caught.value.code == "STX-5320"
    assert [one.name for one in tmp_path.iterdir()] == ["a"]


def test_one_that_was_killed_on_the_way_is_in_nobody_s_way(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", lambda *_: None)  # as if it had not come to that
        written(stage, tmp_path / "a")
    (tmp_path / "a").unlink()
    assert list(tmp_path.iterdir()) != []
    written(stage, tmp_path / "a")
    assert (tmp_path / "a").exists()


def changed(lines: list[bytes], kind: str) -> list[bytes]:
    header, *rest = lines
    known = json.loads(header)

    def with_header(**claims: Any) -> list[bytes]:
        return [json.dumps(known | claims, separators=(",", ":")).encode() + b"\n", *rest]

    return {
        "empty": [],
        "no header": rest,
        "header only": [header],
        "a head less": lines[:-1],
        "cut in the middle": [header, *rest[:-1], rest[-1][:20]],
        "a head twice": [*lines, rest[-1]],
        "heads in another order": [header, *reversed(rest)],
        "an older head": [header, *rest[:-1], rest[-1].replace(b":3,", b":2,")],
        "another item": [header, *rest[:-1], rest[-1].replace(b"i3", b"i4")],
        "another time": with_header(made_at=NOW + 1),
        "another number": with_header(heads=2),
        "another digest": with_header(sha256="0" * 64),
        "another key": with_header(key_id="gone"),
        "another form": with_header(anchor=2),
        "no mac": with_header(mac=""),
        "a mac of letters": with_header(mac="ß"),
        "a number for the mac": with_header(mac=0),
        "no number": with_header(heads="many"),
        "a list": [b"[]\n", *rest],
        "not JSON": [b"x\n", *rest],
        "not text": [b"\xff\xfe\n", *rest],
        "nested": [b"[" * 4000 + b"\n", *rest],
    }[kind]


KINDS = (
    "empty",
    "no header",
    "header only",
    "a head less",
    "cut in the middle",
    "a head twice",
    "heads in another order",
    "an older head",
    "another item",
    "another time",
    "another number",
    "another digest",
    "another key",
    "another form",
    "no mac",
    "a mac of letters",
    "a number for the mac",
    "no number",
    "a list",
    "not JSON",
    "not text",
    "nested",
)


@pytest.mark.parametrize("kind", KINDS)
def test_one_that_was_altered_is_refused(stage: Stage, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a"
    written(stage, path)
    lines = path.read_bytes().splitlines(keepends=True)
    assert changed(lines, kind) != lines
    path.write_bytes(b"".join(changed(lines, kind)))
    with pytest.raises(SettingsError) as caught:
        read(path, stage.keys)
    assert caught.value.code == "STX-5321"
    assert str(path) in str(caught.value)


def test_one_of_another_key_is_refused(stage: Stage, tmp_path: Path) -> None:
    written(stage, tmp_path / "a")
    for keys in (KeyRing.made("test"), KeyRing.made("other")):
        with pytest.raises(SettingsError, match="the anchor"):
            read(tmp_path / "a", keys)
    assert read(tmp_path / "a", stage.keys.with_new("newer")) == heads(stage)


def test_one_that_is_not_there_is_named(stage: Stage, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="can't be read") as caught:
        read(tmp_path / "none", stage.keys)
    assert caught.value.code == "STX-5321"


class Store(http.server.BaseHTTPRequestHandler):
    """So much of S3's protocol as an anchor needs: put once, head, get."""

    kept: dict[str, bytes]

    def do_PUT(self) -> None:
        if self.headers.get("If-None-Match") == "*" and self.path in self.kept:
            self._answer(412, b"<Error><Code>PreconditionFailed</Code></Error>")
            return
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if "aws-chunked" in self.headers.get("Content-Encoding", ""):
            size, _, rest = body.partition(b"\r\n")
            body = rest[: int(size.split(b";")[0], 16)]
        self.kept[self.path] = body
        self._answer(200, b"")

    def do_GET(self) -> None:
        if self.path not in self.kept:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
            return
        self._answer(200, self.kept[self.path])

    def do_HEAD(self) -> None:
        self.do_GET()

    def _answer(self, code: int, body: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"1"')
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, bytes]]:
    kept: dict[str, bytes] = {}
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), type("Own", (Store,), {"kept": kept})
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    place = f"http://127.0.0.1:{server.server_port}"
    for name, value in {
        "AWS_ENDPOINT_URL_S3": place,
        "AWS_ACCESS_KEY_ID": "k",
        "AWS_SECRET_ACCESS_KEY": "s",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    yield kept
    server.shutdown()
    server.server_close()


@pytest.mark.slow  # boto3 takes seconds to begin
@pytest.mark.filterwarnings("ignore")  # of botocore's own
def test_it_may_lie_in_s3(stage: Stage, store: dict[str, bytes]) -> None:
    target = "s3://bucket/anchors/1.jsonl"
    stage.run(anchor.write(stage.manager, stage.keys, target, NOW))
    assert read(target, stage.keys) == heads(stage)
    (path,) = store
    assert path == "/bucket/anchors/1.jsonl"
    with pytest.raises(SettingsError, match="can't be written") as caught:
        stage.run(anchor.write(stage.manager, stage.keys, target, NOW + 1))
    assert caught.value.code == "STX-5320"
    with pytest.raises(SettingsError, match="can't be read"):
        read("s3://bucket/none", stage.keys)
    store[path] = store[path][:-5]
    with pytest.raises(SettingsError, match="does not have the heads"):
        read(target, stage.keys)
