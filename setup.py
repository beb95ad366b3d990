"""The packages: whatever lies in `mapgen/`, and three folders that lie beside it in the checkout."""

from setuptools import find_packages, setup

BESIDE = ("mapgen.contracts", "mapgen.errors", "mapgen.templates")

setup(packages=[*find_packages(include=["mapgen", "mapgen.*"]), *BESIDE])
