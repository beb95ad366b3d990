"""The packages: whatever lies in `mapgen/`, and two folders that lie beside it in the checkout."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["mapgen", "mapgen.*"]), "mapgen.errors", "mapgen.templates"]
)
