"""Are names that databases fold, shorten, reserve or quote either kept apart or refused?"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from scalar_tx.errors import InvalidOperationError, SchemaError
from scalar_tx.model.conditions import column
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.storage.conformance.judging import same_row
from scalar_tx.storage.conformance.topic import Topic
from scalar_tx.storage.interface import (
    Erase,
    IndexSource,
    KeyRange,
    PartitionSource,
    ScanRequest,
    WholeTableSource,
    Write,
)

if TYPE_CHECKING:
    from scalar_tx.model.types import Row
    from scalar_tx.storage.conformance.lab import Lab

EXAMPLES: Final = 12
LONG: Final = "a_rather_long_name_that_goes_on_and_on_until_some_database_shortens_it_quietly_"

WORDS: Final = ("select", "order", "table", "group", "key", "index", "ttl", "user", "from", "token")
ODD: Final = (
    "MixedCase", "with space", 'quo"te', "apos'trophe", "back`tick", "semi;colon", "per%cent",
    "dash-ed", "do$llar", "back\\slash", "[brackets]", "caf\u00e9",
    "\u65e5\u672c", "\U0001f600", "1digit", "a" * 40, "col:on", "question?", "comma,", "(paren)",
    "line\nbreak", "--comment", "under_score", "at@", "#hash",
)  # fmt: skip
NAMES: Final = st.one_of(
    st.sampled_from(WORDS),
    st.sampled_from(ODD),
    st.text(
        st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="."),
        min_size=1,
        max_size=12,
    ),
)
# Pairs that are one name to a database which folds case or joins a namespace and a table.
RIVALS: Final = {
    "case": ("conformance8.rival", "conformance8.Rival"),
    "case of the namespace": ("conformance8.t", "Conformance8.t"),
    "dollar": ("conformance9$a.b", "conformance9.a$b"),
    "underscore": ("conformance9_a.b", "conformance9.a_b"),
    "length": (f"conformance8.{LONG}1", f"conformance8.{LONG}2"),
    "normal form": ("conformance8.caf\u00e9", "conformance8.cafe\u0301"),
    "accent and case": ("conformance8.CAF\u00c9", "conformance8.caf\u00e9"),
}


async def _made(lab: Lab, table: Table) -> bool:
    """Make the table, or see it refused by a typed error."""
    try:
        await lab.storage.admin.create_table(table)
    except (InvalidOperationError, SchemaError):
        return False
    return True


async def _drop(lab: Lab, *tables: Table) -> None:
    for table in tables:
        await lab.storage.admin.drop_table(table.name, if_exists=True)
    for namespace in {table.namespace for table in tables}:
        await lab.storage.admin.drop_namespace(namespace, if_exists=True)


async def _try_out(lab: Lab, table: Table) -> None:
    """Every kind of statement once, on a table of one key, one clustering and two more columns."""
    p, c, i, n = table.schema.columns
    row: Row = {p: 1, c: 2, i: 3, n: "x"}
    assert await lab.storage.admin.table(table.name) == table
    assert table.name in await lab.storage.admin.tables(table.namespace)
    await lab.storage.mutate([Write(table, (1, 2), {i: 3, n: "w"})])
    assert await lab.applies(Write(table, (1, 2), {n: "x"}, column(n) == "w"))
    assert not await lab.applies(Erase(table, (1, 2), column(n) == "w"))
    assert same_row(await lab.get(table, 1, 2), row)
    source = PartitionSource((1,), KeyRange((1,), end=(3,)))
    assert await lab.rows(ScanRequest(table, source, column(n).like("x"))) == [row]
    assert await lab.rows(ScanRequest(table, IndexSource(i, 3))) == [row]
    assert await lab.rows(ScanRequest(table, WholeTableSource(), column(i) >= 3)) == [row]
    await lab.storage.admin.drop_index(table, i)
    await lab.storage.admin.create_index(table, i)
    assert await lab.storage.admin.table(table.name) == table
    await lab.storage.admin.truncate_table(table.name)
    assert await lab.get(table, 1, 2) is None


def _schema(names: list[str]) -> TableSchema:
    p, c, i, n = names
    return TableSchema(
        columns={p: "INT", c: "INT", i: "INT", n: "TEXT"},
        partition_key=[p],
        clustering_key=[f"{c} DESC"],
        secondary_index=[i],
    )


class Names(Topic):
    """Whatever the name, no other table is touched."""

    def test_any_name_works_or_is_refused(self, lab: Lab) -> None:
        async def check(namespace: str, short_name: str, names: list[str]) -> None:
            bystander = await lab.table(_schema(["p", "c", "i", "n"]))
            (kept,) = await lab.load(bystander, [{"p": 1, "c": 2, "i": 3, "n": "kept"}])
            tables = await lab.storage.admin.tables(bystander.namespace)
            table = Table(f"conformance_{namespace}.{short_name}", _schema(names))
            try:
                if await _made(lab, table):
                    await _try_out(lab, table)
            finally:
                await _drop(lab, table)
            assert await lab.rows(ScanRequest(bystander, WholeTableSource())) == [kept]
            assert await lab.storage.admin.tables(bystander.namespace) == tables
            assert await lab.storage.admin.table(bystander.name) == bystander

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        @given(NAMES, NAMES, st.lists(NAMES, min_size=4, max_size=4, unique=True))
        def judge(namespace: str, short_name: str, names: list[str]) -> None:
            lab.runner.run(lambda: check(namespace, short_name, names))

        judge()

    async def test_every_odd_name_once(self, lab: Lab) -> None:
        names = [*WORDS, *ODD]
        random.Random(3).shuffle(names)  # noqa: S311  # mixes them, the same in every run
        for start in range(0, len(names) - 4, 4):
            namespace, *columns = names[start], *names[start : start + 4]
            table = Table(f"conformance_{namespace}.{names[start + 4]}", _schema(columns))
            try:
                if await _made(lab, table):
                    await _try_out(lab, table)
            finally:
                await _drop(lab, table)

    @pytest.mark.parametrize("word", WORDS)
    async def test_reserved_words_are_names(self, lab: Lab, word: str) -> None:
        table = Table(f"conformance8.{word}", _schema([word, "order_", "values", "primary"]))
        assert await _made(lab, table), f"{word} must be possible as a name"
        try:
            await _try_out(lab, table)
        finally:
            await _drop(lab, table)

    @pytest.mark.parametrize("names", RIVALS)
    async def test_rivals_are_kept_apart_or_refused(self, lab: Lab, names: str) -> None:
        first, other = (Table(name, _schema(["p", "c", "i", "n"])) for name in RIVALS[names])
        try:
            if not await _made(lab, first):
                return
            (kept,) = await lab.load(first, [{"p": 1, "c": 2, "i": 3, "n": "kept"}])
            if await _made(lab, other):
                assert await lab.get(other, 1, 2) is None, f"{RIVALS[names]} are one table"
                await _try_out(lab, other)
                await lab.storage.admin.drop_table(other.name)
            assert await lab.rows(ScanRequest(first, IndexSource("i", 3))) == [kept]
            assert await lab.storage.admin.table(first.name) == first
            assert first.name in await lab.storage.admin.tables(first.namespace)
        finally:
            await _drop(lab, first, other)

    @pytest.mark.parametrize(
        "names",
        [["p", "P", "i", "I"], ["x" * 70 + "1", "x" * 70 + "2", "x" * 70 + "3", "x" * 70 + "4"]],
        ids=["case", "long"],
    )
    async def test_columns_are_kept_apart_or_refused(self, lab: Lab, names: list[str]) -> None:
        table = Table("conformance8.columns", _schema(names))
        try:
            if await _made(lab, table):
                await _try_out(lab, table)
            else:
                assert await lab.storage.admin.table(table.name) is None
        finally:
            await _drop(lab, table)

    async def test_a_long_name_has_indexes_of_its_own(self, lab: Lab) -> None:
        # Index names are made of the table's and the column's; two tables must not share one.
        tables = [
            Table(f"conformance8.{LONG}{n}", _schema([f"{LONG}{x}" for x in "abcd"]))
            for n in (1, 2)
        ]
        try:
            for table in tables:
                if await _made(lab, table):
                    await _try_out(lab, table)
        finally:
            await _drop(lab, *tables)
