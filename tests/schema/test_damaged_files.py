"""Whatever a schema file holds: an error that names its line, or tables; never half of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st

import scalar_schema
import scalar_tx
from scalar_schema import parse_schema
from scalar_tx.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

PLACE = re.compile(r"f\.json:[1-9][0-9]*:[1-9][0-9]*: ")
SAMPLE = (Path(__file__).resolve().parents[2] / "namespaces" / "event.json").read_text()

names = st.text(max_size=5) | st.sampled_from(["a", "b", "before_a", "tx_id", "a DESC"])
scalars = st.none() | st.booleans() | st.integers() | st.floats() | names
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3)
)
types = st.sampled_from(["INT", "text", "BLOB ENCRYPTED", "BOOLEAN", "DECIMAL"])
columns = st.lists(st.sampled_from(["a", "b", "c", "before_a", "a DESC", "tx_id", ""]), max_size=3)
fields = st.fixed_dictionaries(
    {},
    optional={
        "columns": st.dictionaries(st.sampled_from("abc"), types, max_size=3) | anything,
        "partition-key": columns | anything,
        "clustering-key": columns | anything,
        "secondary-index": columns | anything,
        "transaction": st.booleans() | anything,
        "ru": anything,
    },
)
table_names = st.sampled_from(["n.t", "n.u", "m.t", "n", "n.t.x", ".t", "coordinator.x"]) | names


def refusal(attempt: Callable[[], T]) -> tuple[T, None] | tuple[None, SchemaError]:
    """What came of it, or why it was refused. An error of another kind is none of ours."""
    try:
        return attempt(), None
    except SchemaError as error:
        return None, error


def expect_tables_or_a_place(text: str) -> None:
    definitions, error = refusal(lambda: parse_schema(text, "f.json"))
    if error is not None:
        assert PLACE.match(error.message), error.message
        assert error.advice
    else:
        assert definitions is not None
        assert all(one.schema.columns and one.schema.partition_key for one in definitions)


@given(
    st.integers(0, len(SAMPLE)),
    st.integers(0, 40),
    st.text(alphabet=st.sampled_from('{}[]",:\\ntrue0-.\n\t/\x00é\U0001f600'), max_size=4),
)
def test_a_damaged_text(at: int, removed: int, inserted: str) -> None:
    expect_tables_or_a_place(SAMPLE[:at] + inserted + SAMPLE[at + removed :])


@given(st.text())
def test_any_text(text: str) -> None:
    expect_tables_or_a_place(text)


@given(anything)
def test_any_json_reads_as_the_standard_parser_reads_it_or_is_refused(value: Any) -> None:
    expect_tables_or_a_place(json.dumps(value))
    expect_tables_or_a_place(json.dumps(value, indent=1, ensure_ascii=False))


@settings(max_examples=200)
@given(st.dictionaries(table_names, fields, max_size=3))
def test_nothing_is_done_unless_all_of_it_can_be(tables: dict[str, Any]) -> None:
    text = json.dumps(tables)
    with scalar_tx.connect("memory://") as db:
        plan, error = refusal(lambda: scalar_schema.make_plan(db, parse_schema(text, "f.json")))
        if plan is None:
            assert error is not None
            assert PLACE.match(error.message), error.message
            assert db.admin.namespaces() == []
            return
        outcome = scalar_schema.apply(db, plan)
        assert outcome.ok, outcome.error
        assert {name for n in db.admin.namespaces() for name in db.admin.stored_tables(n)} == set(
            tables
        )


@settings(max_examples=50)
@given(st.binary(max_size=60))
def test_a_file_of_any_bytes_changes_nothing(tmp_path_factory: Any, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("files")
    (folder / "bad.json").write_bytes(SAMPLE.encode()[:-3] + b"," + data)
    (folder / "good.json").write_text(SAMPLE.replace("event.", "other."))
    with scalar_tx.connect("memory://") as db:
        files = [folder / "good.json", folder / "bad.json"]
        _, error = refusal(lambda: scalar_schema.load(db, files))
        if error is not None:
            assert re.match(rf"{re.escape(str(folder))}/bad\.json:[0-9]+:[0-9]+: ", error.message)
            assert db.admin.namespaces() == []
        else:
            assert set(db.admin.namespaces()) >= {"event", "other"}
