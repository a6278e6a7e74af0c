import pytest

from shop import Basket, Catalogue, Product


@pytest.fixture
def catalogue():
    return Catalogue(
        [
            Product("tea", "Green tea", 450, 100),
            Product("mug", "Mug", 1290, 400),
            Product("tin", "Tea tin", 899, 150),
        ]
    )


@pytest.fixture
def basket(catalogue):
    return Basket(catalogue)
