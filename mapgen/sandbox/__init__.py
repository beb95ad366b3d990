"""A stand-in tenant: answers as the ERP's contract-based REST API does, over real sockets."""

from mapgen.sandbox.faults import Fault, read_fault, read_faults
from mapgen.sandbox.seed import Seed, read_seed, seed_of
from mapgen.sandbox.server import Sandbox, serve
from mapgen.sandbox.settings import Credentials, Limits, Settings

__all__ = [
    "Credentials",
    "Fault",
    "Limits",
    "Sandbox",
    "Seed",
    "Settings",
    "read_fault",
    "read_faults",
    "read_seed",
    "seed_of",
    "serve",
]
