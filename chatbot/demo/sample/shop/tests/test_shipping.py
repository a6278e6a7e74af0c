import pytest

from shop.errors import UnknownCountry
from shop.shipping import shipping_cost


@pytest.mark.parametrize(
    ("goods", "weight", "country", "cost"),
    [(1000, 500, "DE", 390), (1000, 1001, "DE", 490), (5000, 500, "AT", 0), (0, 0, "FR", 0)],
)
def test_shipping(goods, weight, country, cost):
    assert shipping_cost(goods, weight, country) == cost


def test_unknown_country():
    with pytest.raises(UnknownCountry):
        shipping_cost(100, 100, "XX")
