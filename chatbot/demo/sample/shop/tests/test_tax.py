import pytest

from shop.errors import UnknownCountry
from shop.tax import contained_tax


def test_contained_tax():
    assert contained_tax(11_900, "DE") == 1900
    assert contained_tax(100, "DE") == 16


def test_unknown_country():
    with pytest.raises(UnknownCountry):
        contained_tax(100, "XX")
