import pytest

pytest.register_assert_rewrite("tests.sandbox.engines.engine_contract")
