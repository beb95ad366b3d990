"""Text of authors enters generated code through the door alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "mapgen/emit").rglob("*.py"))
TEMPLATES = sorted((ROOT / "templates").glob("*.jinja"))
DOORS = {"code", "comment", "docstring", "literal", "prose", "yaml"}

# What is code or Markdown already when it comes to a template: the back ends made it by the door,
# or it is a word of ours, or a name with a form that needs no door.
FINISHED = {
    "transformer.py.jinja": """
        line constant written() bases class.name member.name member.annotation member.default
        module.source_class module.key_parameter module.key module.settings_name
        module.lookups_name module.returns
        function.name function.parameters function.returns function.result statement.text
    """,
    "draft.maps.yaml.jinja": "form line note",
    "test_flow.py.jinja": "example",
    "mapping.md.jinja": """
        fields flow.name join.takes one.of one.target one.heading one.made one.checked reason rights
        tables
        row.target row.source row.rule row.missing row.remarks
    """,
}


def _written_without_the_door(tree: ast.AST) -> Iterator[int]:
    """Yield the lines that write a value as Python would show it."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="repr" | "ascii")):
                yield node.lineno
            case ast.FormattedValue(conversion=conversion) if conversion != -1:
                yield node.value.lineno


def _bare(node: nodes.Node | None) -> Iterator[str]:
    """Yield what an expression of a template places without the door."""
    match node:
        case nodes.Filter(name=name) if name in DOORS:
            return
        case nodes.Filter(node=nodes.Node() as inner):
            yield from _bare(inner)
        case nodes.TemplateData() | nodes.Const() | None:
            return
        case nodes.CondExpr(expr1=this, expr2=other):
            yield from (*_bare(this), *_bare(other))
        case nodes.Concat(nodes=pieces):
            yield from (bare for piece in pieces for bare in _bare(piece))
        case nodes.Getitem(node=nodes.Dict(items=pairs)):  # one of these, whatever the key
            yield from (bare for pair in pairs for bare in _bare(pair.value))
        case nodes.Call(node=nodes.Name(name=name)):
            yield f"{name}()"
        case nodes.Name(name=name):
            yield name
        case nodes.Getattr(node=nodes.Name(name=name), attr=attr):
            yield f"{name}.{attr}"
        case _:
            yield repr(node)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_back_ends_write_no_value_by_themselves(path: Path) -> None:
    """`repr` is the door's own: what a back end writes goes through `escaping`."""
    assert list(_written_without_the_door(ast.parse(path.read_text("utf-8")))) == []


@pytest.mark.parametrize("name", sorted(FINISHED))
def test_templates_place_finished_words(name: str) -> None:
    """Each place of a template has a door, or is one of those that need none."""
    tree = Environment().parse((ROOT / "templates" / name).read_text("utf-8"))
    found = {
        bare
        for output in tree.find_all(nodes.Output)
        for node in output.nodes
        for bare in _bare(node)
    }

    assert found == set(FINISHED[name].split())


def test_each_template_of_a_flow_is_looked_at() -> None:
    """All templates hold text of authors, but that of our own tables."""
    assert {path.name for path in TEMPLATES} == {*FINISHED, "language.md.jinja"}


@pytest.mark.parametrize("code", ["f'{name!r}'", "repr(name)", "f'{name!s}'"])
def test_what_goes_round_is_found(code: str) -> None:
    """The search finds what it is for."""
    assert list(_written_without_the_door(ast.parse(code))) == [1]
