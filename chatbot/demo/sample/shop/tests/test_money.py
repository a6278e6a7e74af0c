import pytest

from shop.money import format_cents, percent_of


@pytest.mark.parametrize(
    ("cents", "percent", "expected"), [(100, 10, 10), (5, 10, 1), (4, 10, 0), (999, 15, 150)]
)
def test_percent_of(cents, percent, expected):
    assert percent_of(cents, percent) == expected


@pytest.mark.parametrize(
    ("cents", "text"), [(0, "0.00 EUR"), (1250, "12.50 EUR"), (-5, "-0.05 EUR")]
)
def test_format(cents, text):
    assert format_cents(cents) == text
