"""Amounts of money: whole cents."""


def percent_of(cents: int, percent: int) -> int:
    """That part of an amount, rounded half up to a whole cent."""
    return (cents * percent * 2 + 100) // 200


def format_cents(cents: int, currency: str = "EUR") -> str:
    """`1250` -> `12.50 EUR`."""
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d} {currency}"
