from shop import checkout


def test_a_small_order(basket):
    basket.add("mug")
    order = checkout(basket, "DE")
    assert (order.subtotal, order.discount, order.shipping) == (1290, 0, 390)
    assert order.total == 1680
    assert order.tax == 268


def test_a_large_order_is_delivered_for_nothing(basket):
    basket.add("mug", 4)
    assert checkout(basket, "DE").shipping == 0


def test_a_coupon_counts(basket):
    basket.add("mug", 2)
    assert checkout(basket, "DE", "SPRING20").discount == 516
