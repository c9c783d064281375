"""What can one update of DynamoDB not keep?"""

from __future__ import annotations

from scalar_tx.errors import WriteRefusedError
from scalar_tx.model.conditions import column
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.storage.dynamo.names import Names
from scalar_tx.storage.dynamo.statements import TableStatements
from scalar_tx.storage.interface import Overwrite

MOST_BYTES = 4096


def update(columns: int) -> str:
    names = [f"c{number}" for number in range(columns)]
    table = Table(
        "ns.t",
        TableSchema(
            {
                "p": "INT",
                "n": "INT",
                **dict.fromkeys((*names, *(f"old_{n}" for n in names)), "INT"),
            },
            ["p"],
        ),
    )
    keeps = {f"old_{name}": name for name in names}
    over = Overwrite(table, (1,), {}, column("n").is_not_null(), "n", keeps, makes=True)
    request = TableStatements(table, Names("", "scalardb")).mutation(over)
    text: str = request["UpdateExpression"]
    return text


def test_more_columns_than_an_expression_holds_are_refused_before_anything_is_sent() -> None:
    columns = 1
    while True:
        try:
            last = update(columns)
        except WriteRefusedError:
            break
        assert len(last) <= MOST_BYTES
        columns += 1
    assert columns > 80
    assert len(last) > MOST_BYTES * 0.95
