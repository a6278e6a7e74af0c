"""The arithmetic of a small shop."""

from shop.basket import Basket
from shop.catalogue import Catalogue, Product
from shop.checkout import Order, checkout

__all__ = ["Basket", "Catalogue", "Order", "Product", "checkout"]
