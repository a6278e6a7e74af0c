"""An order as text."""

from shop.basket import Basket
from shop.checkout import Order
from shop.money import format_cents

WIDTH = 40


def render_receipt(basket: Basket, order: Order) -> str:
    lines = [_row(f"{line.quantity} x {line.product.name}", line.price) for line in basket]
    lines.append("-" * WIDTH)
    if order.discount:
        lines.append(_row("Discount", -order.discount))
    lines.append(_row("Shipping", order.shipping))
    lines.append(_row("Total", order.total))
    lines.append(_row("of which tax", order.tax))
    return "\n".join(lines) + "\n"


def _row(label: str, cents: int) -> str:
    amount = format_cents(cents)
    return f"{label:<{WIDTH - len(amount)}}{amount}"
