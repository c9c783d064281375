"""Is the end of a chain of certificates read as another library reads it?"""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING

import pytest
import trustme
from cryptography import x509

from scalar_tx.cluster.certificate_expiry import _UTC_TIME, _moment, expires_at, first_end

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("year", [2031, 2049, 2050, 2120])
def test_the_first_of_a_chain_counts(tmp_path: Path, year: int) -> None:
    ca = trustme.CA()
    end = dt.datetime(year, 2, 3, 4, 5, 6)  # UTC, as trustme has it
    leaf = ca.issue_cert("localhost", not_after=end)
    between = ca.create_child_ca()
    chain = b"".join(
        [leaf.cert_chain_pems[0].bytes(), between.cert_pem.bytes(), ca.cert_pem.bytes()]
    )
    others = x509.load_pem_x509_certificates(chain)
    expected = min(one.not_valid_after_utc.timestamp() for one in others)
    file = tmp_path / "chain.pem"
    file.write_bytes(b"a remark\n" + chain)
    assert expires_at(str(file)) == expected
    leaf_alone = leaf.cert_chain_pems[0].bytes().decode()
    assert first_end(leaf_alone) == end.replace(tzinfo=dt.UTC).timestamp()


def test_years_of_two_digits_begin_with_1950() -> None:
    years = {"49": 2049, "50": 1950, "99": 1999, "00": 2000}
    for digits, year in years.items():
        moment = dt.datetime.fromtimestamp(_moment(_UTC_TIME, f"{digits}0102030405Z"), dt.UTC)
        assert (moment.year, moment.second) == (year, 5)


def test_what_can_not_be_read(tmp_path: Path) -> None:
    file = tmp_path / "chain.pem"
    assert math.isnan(expires_at(str(file)))
    file.write_bytes(b"nothing")
    assert math.isnan(expires_at(str(file)))
    pem = trustme.CA().cert_pem.bytes().decode()
    lines = pem.splitlines(keepends=True)
    for kept in range(2, len(lines) - 2):
        with pytest.raises(ValueError, match="certificate"):
            first_end("".join([*lines[:kept], lines[-1]]))
