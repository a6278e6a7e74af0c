"""From a basket to an order."""

from dataclasses import dataclass

from shop.basket import Basket
from shop.discounts import total_discount
from shop.shipping import shipping_cost
from shop.tax import contained_tax


@dataclass(frozen=True)
class Order:
    """All amounts in cents."""

    subtotal: int
    discount: int
    shipping: int
    tax: int

    @property
    def total(self) -> int:
        return self.subtotal - self.discount + self.shipping


def checkout(basket: Basket, country: str, coupon: str = "") -> Order:
    discount = total_discount(basket, coupon)
    goods = basket.subtotal - discount
    shipping = shipping_cost(goods, basket.weight_grams, country)
    return Order(
        subtotal=basket.subtotal,
        discount=discount,
        shipping=shipping,
        tax=contained_tax(goods + shipping, country),
    )
