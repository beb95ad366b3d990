"""The databases of the tests of the delivery."""

from tests.runtime_delivery.conftest import address, postgresql

__all__ = ["address", "postgresql"]
