"""Which statement writes over a record that nobody has read?

One statement that looks, copies and sets, so that nothing comes in between. Where a row is made if
there is none, it is an INSERT that turns into an update.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.storage.sql.meanings import UNMET
from scalar_tx.storage.sql.plans import Plan, plan

if TYPE_CHECKING:
    from scalar_tx.storage.interface import Overwrite
    from scalar_tx.storage.sql.names import Names


def overwriting(names: Names, overwrite: Overwrite) -> Plan:
    """The statement; its parameters are those of ``parameters``."""
    rendering = names.rendering(loose=False)
    condition = rendering.text(overwrite.condition)
    key = names.encoders_of(names.key)
    values = names.encoders_of(tuple(overwrite.values))
    if not overwrite.makes:
        sets = [*_kept(names, overwrite), _counted(names, overwrite)]
        sets += [f"{names.bare[name]}={names.dialect.placeholder}" for name in overwrite.values]
        return plan(
            f"UPDATE {names.reference} SET {','.join(sets)} WHERE {names.by_key} AND {condition}",
            [*values, *key, *rendering.needed],
            conditional=True,
        )
    columns = [names.bare[name] for name in (*names.key, *overwrite.values)]
    holes = ",".join([*[names.dialect.placeholder] * len(columns), "1"])
    listed = ",".join([*columns, names.bare[overwrite.counter]])
    begin = f"INSERT INTO {names.reference} ({listed}) VALUES ({holes})"
    instead = (_where_a_key_is_met_twice if names.dialect.on_duplicate else _where_a_key_conflicts)(
        names, overwrite, condition
    )
    return plan(
        f"{begin} {instead}",
        [*key, *values, *rendering.needed],
        conditional=not names.dialect.on_duplicate,
    )


def parameters(overwrite: Overwrite, tested: list[object]) -> list[object]:
    """The parameters; ``tested`` are those of the condition."""
    key, values = [*overwrite.key], [*overwrite.values.values()]
    return [*key, *values, *tested] if overwrite.makes else [*values, *key, *tested]


def _where_a_key_conflicts(names: Names, overwrite: Overwrite, condition: str) -> str:
    sets = [*_kept(names, overwrite), _counted(names, overwrite)]
    sets += [f"{names.bare[name]}=excluded.{names.bare[name]}" for name in overwrite.values]
    keys = ",".join(names.bare[name] for name in names.key)
    return f"ON CONFLICT ({keys}) DO UPDATE SET {','.join(sets)} WHERE {condition}"


def _where_a_key_is_met_twice(names: Names, overwrite: Overwrite, condition: str) -> str:
    """Assigned from left to right, without a WHERE, and for a duplicate in any unique index."""
    same = [f"{names.full[name]}=VALUES({names.bare[name]})" for name in names.key]
    counter = names.bare[overwrite.counter]
    # No number: strict as the session is, it fails, and with it the whole statement.
    count = f"IF({' AND '.join((*same, condition))},{_next(names, overwrite)},'{UNMET}')"
    sets = [*_kept(names, overwrite), f"{counter}={count}"]
    sets += [f"{names.bare[name]}=VALUES({names.bare[name]})" for name in overwrite.values]
    return f"ON DUPLICATE KEY UPDATE {','.join(sets)}"


def _kept(names: Names, overwrite: Overwrite) -> list[str]:
    return [
        f"{names.bare[name]}="
        + (_count(names, overwrite) if source == overwrite.counter else names.full[source])
        for name, source in overwrite.keeps.items()
    ]


def _counted(names: Names, overwrite: Overwrite) -> str:
    return f"{names.bare[overwrite.counter]}={_next(names, overwrite)}"


def _next(names: Names, overwrite: Overwrite) -> str:
    return f"{_count(names, overwrite)}+1"


def _count(names: Names, overwrite: Overwrite) -> str:
    return f"COALESCE({names.full[overwrite.counter]},0)"
