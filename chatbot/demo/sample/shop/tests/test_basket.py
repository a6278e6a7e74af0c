import pytest

from shop.errors import InvalidQuantity, UnknownProduct


def test_adding_twice_makes_one_line(basket):
    basket.add("tea")
    basket.add("tea", 2)
    assert [(line.product.sku, line.quantity) for line in basket] == [("tea", 3)]


def test_subtotal_and_weight(basket):
    basket.add("tea", 2)
    basket.add("mug")
    assert basket.subtotal == 2190
    assert basket.weight_grams == 600


def test_removing(basket):
    basket.add("tea")
    basket.remove("tea")
    basket.remove("tea")
    assert list(basket) == []


@pytest.mark.parametrize("quantity", [0, -1])
def test_quantities_below_one_are_refused(basket, quantity):
    with pytest.raises(InvalidQuantity):
        basket.add("tea", quantity)


def test_unknown_products_are_refused(basket):
    with pytest.raises(UnknownProduct):
        basket.add("coffee")
