from shop import checkout
from shop.receipt import render_receipt


def test_a_receipt(basket):
    basket.add("mug")
    text = render_receipt(basket, checkout(basket, "DE"))
    assert text.splitlines()[0] == "1 x Mug                        12.90 EUR"
    assert "Total                          16.80 EUR" in text
    assert "Discount" not in text
