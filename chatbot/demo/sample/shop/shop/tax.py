"""Value-added tax that is contained in a price."""

from shop.errors import UnknownCountry

RATES_PERCENT = {"AT": 20, "DE": 19, "FR": 20, "NL": 21}


def contained_tax(gross: int, country: str) -> int:
    """The tax within a gross amount, in cents, rounded half up."""
    try:
        rate = RATES_PERCENT[country]
    except KeyError:
        raise UnknownCountry(country) from None
    return (gross * rate * 2 + (100 + rate)) // (2 * (100 + rate))
