"""Which environments go."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sandbox.environments.bounds import Bounds, choose_surplus
from sandbox.environments.records import Record


def make_record(key: str, used_at: float, size_bytes: int) -> Record:
    return Record(
        key=key,
        repository="acme/api",
        scope="default",
        commit="c",
        image="i",
        built_at=0,
        used_at=used_at,
        seconds=1,
        size_bytes=size_bytes,
        spec={},
    )


RECORDS = st.lists(
    st.builds(
        make_record,
        st.uuids().map(str),
        st.floats(min_value=0, max_value=1000),
        st.integers(min_value=0, max_value=100),
    ),
    max_size=12,
    unique_by=lambda record: record.key,
)
BOUNDS = st.builds(
    Bounds,
    count=st.integers(min_value=0, max_value=8),
    total_bytes=st.integers(min_value=0, max_value=400),
    unused_seconds=st.floats(min_value=0, max_value=1000),
)


@given(RECORDS, BOUNDS, st.data())
def test_what_stays_keeps_every_bound(
    records: list[Record], bounds: Bounds, data: st.DataObject
) -> None:
    in_use = set(data.draw(st.lists(st.sampled_from([r.key for r in records]))) if records else [])
    surplus = choose_surplus(records, bounds, now=1000, in_use=in_use)
    gone = {record.key for record in surplus}
    assert not gone & in_use
    kept = [record for record in records if record.key not in gone]
    free = [record for record in kept if record.key not in in_use]
    if free:
        assert len(kept) <= bounds.count
        assert sum(record.size_bytes for record in kept) <= bounds.total_bytes
    assert all(1000 - record.used_at <= bounds.unused_seconds for record in free)
    assert [r.used_at for r in surplus] == sorted(r.used_at for r in surplus)


@given(RECORDS)
def test_within_the_bounds_nothing_goes(records: list[Record]) -> None:
    bounds = Bounds(count=100, total_bytes=10**6, unused_seconds=10**6)
    assert choose_surplus(records, bounds, now=1000, in_use=()) == []
