"""What can go wrong in a shop."""


class ShopError(Exception):
    """Something the customer can be told."""


class UnknownProduct(ShopError):
    """The catalogue has no such product."""


class InvalidQuantity(ShopError):
    """A quantity must be at least one."""


class UnknownCoupon(ShopError):
    """No coupon has that code."""


class UnknownCountry(ShopError):
    """The shop does not deliver there."""
