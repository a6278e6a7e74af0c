"""What a customer is about to buy."""

from dataclasses import dataclass
from typing import Iterator

from shop.catalogue import Catalogue, Product
from shop.errors import InvalidQuantity


@dataclass(frozen=True)
class Line:
    """One product and how many of it."""

    product: Product
    quantity: int

    @property
    def price(self) -> int:
        """Before any discount, in cents."""
        return self.product.price * self.quantity


class Basket:
    """Lines in the order in which their products were first added."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._quantities: dict[str, int] = {}

    def add(self, sku: str, quantity: int = 1) -> None:
        if quantity < 1:
            raise InvalidQuantity(quantity)
        self._catalogue.get(sku)
        self._quantities[sku] = self._quantities.get(sku, 0) + quantity

    def remove(self, sku: str) -> None:
        self._quantities.pop(sku, None)

    def __iter__(self) -> Iterator[Line]:
        for sku, quantity in self._quantities.items():
            yield Line(self._catalogue.get(sku), quantity)

    @property
    def subtotal(self) -> int:
        return sum(line.price for line in self)

    @property
    def weight_grams(self) -> int:
        return sum(line.product.weight_grams * line.quantity for line in self)
