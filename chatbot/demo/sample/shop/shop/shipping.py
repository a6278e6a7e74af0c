"""What delivery costs, by country and weight."""

from shop.errors import UnknownCountry

BASE = {"DE": 390, "AT": 590, "FR": 690, "NL": 590}
PER_KILOGRAM = 100
FREE_FROM = 5000
"""Orders over this amount are delivered for nothing."""


def shipping_cost(goods: int, weight_grams: int, country: str) -> int:
    """In cents; an empty parcel is not sent."""
    if country not in BASE:
        raise UnknownCountry(country)
    if weight_grams == 0 or goods >= FREE_FROM:
        return 0
    started_kilograms = -(-weight_grams // 1000)
    return BASE[country] + (started_kilograms - 1) * PER_KILOGRAM
