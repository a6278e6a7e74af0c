import pytest

from shop.errors import UnknownProduct


def test_get(catalogue):
    assert catalogue.get("mug").price == 1290


def test_unknown(catalogue):
    with pytest.raises(UnknownProduct):
        catalogue.get("cup")


def test_iteration_and_length(catalogue):
    assert len(catalogue) == 3
    assert {product.sku for product in catalogue} == {"tea", "mug", "tin"}
