"""A simulated tenant: answers as the ERP's contract-based REST API does, over real sockets."""

from mapgen.sandbox.failures import InjectedFailure, read_failure, read_failures
from mapgen.sandbox.seed import Seed, read_seed, seed_of
from mapgen.sandbox.server import Sandbox, serve
from mapgen.sandbox.settings import Credentials, Limits, Settings
from mapgen.sandbox.shop import ServedShop, ShopSettings, serve_shop

__all__ = [
    "Credentials",
    "InjectedFailure",
    "Limits",
    "Sandbox",
    "Seed",
    "ServedShop",
    "Settings",
    "ShopSettings",
    "read_failure",
    "read_failures",
    "read_seed",
    "seed_of",
    "serve",
    "serve_shop",
]
