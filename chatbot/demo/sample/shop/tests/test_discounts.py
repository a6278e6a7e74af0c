import pytest

from shop.discounts import bulk_percent, coupon_discount, total_discount
from shop.errors import UnknownCoupon


@pytest.mark.parametrize(("quantity", "percent"), [(1, 0), (9, 0), (12, 10), (49, 10), (60, 15)])
def test_bulk_percent(quantity, percent):
    assert bulk_percent(quantity) == percent


def test_ten_pieces_get_the_bulk_discount(basket):
    basket.add("tea", 10)
    assert total_discount(basket) == 450


def test_coupon():
    assert coupon_discount(10_000, "spring20 ") == 2000


def test_unknown_coupon():
    with pytest.raises(UnknownCoupon):
        coupon_discount(100, "FREE")


def test_the_coupon_applies_to_what_the_bulk_discount_left(basket):
    basket.add("tea", 20)
    assert total_discount(basket, "WELCOME5") == 900 + 405
