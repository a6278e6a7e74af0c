"""What the shop sells."""

from dataclasses import dataclass
from typing import Iterable, Iterator

from shop.errors import UnknownProduct


@dataclass(frozen=True)
class Product:
    """One thing to buy; the price is in cents, tax included."""

    sku: str
    name: str
    price: int
    weight_grams: int = 250


class Catalogue:
    """Products by their stock-keeping unit."""

    def __init__(self, products: Iterable[Product]) -> None:
        self._products = {product.sku: product for product in products}

    def get(self, sku: str) -> Product:
        try:
            return self._products[sku]
        except KeyError:
            raise UnknownProduct(sku) from None

    def __iter__(self) -> Iterator[Product]:
        return iter(self._products.values())

    def __len__(self) -> int:
        return len(self._products)
