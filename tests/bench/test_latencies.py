"""Are latencies counted so that percentiles can be believed?"""

from __future__ import annotations

import random
from collections import Counter

import pytest

from bench.beside.latency import added, bucket, from_json, middle_ns, percentile_ns


@pytest.mark.parametrize("share", [0.5, 0.99, 0.999, 1.0])
def test_a_percentile_is_within_half_a_percent(share: float) -> None:
    dice = random.Random(3)
    durations = sorted(int(dice.lognormvariate(14, 1.5)) for _ in range(5000))
    histogram = Counter(map(bucket, durations))
    true = durations[max(0, round(share * len(durations)) - 1)]
    assert percentile_ns(histogram, share) == pytest.approx(true, rel=0.0051)


def test_a_bucket_stands_for_what_falls_into_it() -> None:
    assert [bucket(round(middle_ns(number))) for number in (800, 1500, 2400)] == [800, 1500, 2400]
    assert bucket(0) == bucket(1) == 0


def test_one_slow_transaction_of_a_hundred_is_the_hundredth() -> None:
    histogram = Counter({bucket(1000): 99, bucket(1_000_000): 1})
    assert percentile_ns(histogram, 0.99) < 2000
    assert percentile_ns(histogram, 0.999) > 900_000


def test_histograms_of_processes_add_up() -> None:
    both = added([Counter({5: 1, 7: 2}), from_json({"7": 3, "9": 1})])
    assert both == {5: 1, 7: 5, 9: 1}


def test_nothing_has_no_percentile() -> None:
    with pytest.raises(ValueError, match="no latency"):
        percentile_ns(Counter(), 0.5)
