"""Discounts: for many pieces of one product, and by coupon.

The bulk discount is taken off each line first; the coupon applies to what remains.
"""

from shop.basket import Basket, Line
from shop.errors import UnknownCoupon
from shop.money import percent_of

BULK_STEPS = ((50, 15), (10, 10))
"""From so many pieces of one product on: so many percent off."""

COUPONS = {"WELCOME5": 5, "SPRING20": 20}


def bulk_percent(quantity: int) -> int:
    """The bulk discount for that many pieces, in percent."""
    for pieces, percent in BULK_STEPS:
        if quantity > pieces:
            return percent
    return 0


def line_discount(line: Line) -> int:
    """What is taken off one line, in cents."""
    return percent_of(line.price, bulk_percent(line.quantity))


def coupon_discount(remaining: int, code: str) -> int:
    """What a coupon takes off, in cents."""
    try:
        percent = COUPONS[code.strip().upper()]
    except KeyError:
        raise UnknownCoupon(code) from None
    return percent_of(remaining, percent)


def total_discount(basket: Basket, coupon: str = "") -> int:
    """Everything that is taken off a basket, in cents."""
    bulk = sum(line_discount(line) for line in basket)
    if not coupon:
        return bulk
    return bulk + coupon_discount(basket.subtotal - bulk, coupon)
