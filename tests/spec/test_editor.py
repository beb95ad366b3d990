"""The editors' schemas and the reader: made of one description, and of one opinion."""

from __future__ import annotations

import copy
import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from mapgen.report import Source, Stopped, Text
from mapgen.spec import language, model
from mapgen.spec.construct import Construct
from mapgen.spec.editor import FILES, _words, editor_schema
from mapgen.spec.fitting import diagnostics_of
from mapgen.spec.nodes import ListNode, MapNode, Node, ScalarNode, read_yaml
from mapgen.spec.shapes import (
    Anything,
    At,
    Formula,
    Instead,
    Key,
    ListOf,
    Literal,
    MapOf,
    Named,
    OneOrMap,
    Record,
    Rest,
    Shape,
    Variants,
    Whole,
    Words,
    record_of,
    written,
)
from tests.depth import examples

ROOT = Path(__file__).resolve().parents[2]
CASES = sorted(path.parent for path in (ROOT / "tests" / "cases").glob("*/diagnostics.txt"))
SHAPES: Mapping[str, Shape] = {
    **{kind: file.shape for kind, file in FILES.items()},
    "rule": model.Rule,
}
SCHEMAS = {kind: editor_schema(kind) for kind in FILES}
SCHEMAS["rule"] = {"$ref": "#/$defs/rule", "$defs": SCHEMAS["maps"]["$defs"]}
VALIDATORS = {kind: jsonschema_rs.validator_for(schema) for kind, schema in SCHEMAS.items()}

# What a spec need not say itself, for the defaults of its workspace may: an editor cannot know.
MAY_BE_SHARED = {
    f"{record.what} has no `{name}`"
    for record in map(record_of, (model.Spec, model.Auth, model.Performance, model.Security))
    for name, key in record.keys.items()
    if key.is_shared
}

Value = object
TEXTS = st.text(st.sampled_from("aZé_09 .:{}'\"#-@"), max_size=6)
SCALARS = TEXTS | st.integers(-9, 99) | st.sampled_from([0.5, -1.25, True, False])
ODD = st.sampled_from(
    [None, True, 0, -1, 0.5, "", "x", "true", "5s", [], {}, [1], [None], {"x": 1}, {"env": "A"}]
) | st.sampled_from([{"const": 1, "value": "x"}, {"fields": {}}, {"each": "x", "as": "y"}])


def valid(shape: Shape, depth: int = 0) -> st.SearchStrategy[Value]:
    """Return what makes values of a shape; deep inside, rules are simple."""
    match written(shape):
        case Words(choices=choices) if choices:
            return st.sampled_from(choices)
        case Words(pattern=str(pattern)):
            return st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True)
        case Words() | Formula() | Literal():
            return SCALARS
        case Whole(least=least):
            return st.integers(least, least + 9)
        case Anything():
            return SCALARS | st.none() | st.lists(SCALARS, max_size=2)
        case ListOf(item=item, or_single=or_single, least=least):
            several = st.lists(valid(item, depth), min_size=least, max_size=2)
            return several | valid(item, depth) if or_single else several
        case MapOf(value=value, names=names, least=least):
            keys = TEXTS if names is None else valid(names)
            values = valid(value, depth)
            return st.dictionaries(keys.map(str), values, min_size=least, max_size=2)
        case OneOrMap(one=one, several=several):
            return valid(one, depth) | valid(several, depth)
        case Record(keys=keys, instead=instead, rest=rest):
            made = record(keys, depth) if instead is None else either(keys, instead, depth)
            return made if rest is None else with_others(made, keys, rest, depth)
        case Variants() as found:
            return variants(found, depth)
        case Named(named=named):
            return st.deferred(lambda: valid(named(), depth + 1))


def record(keys: Mapping[str, Key], depth: int) -> st.SearchStrategy[Value]:
    needed = {name: valid(key.shape, depth) for name, key in keys.items() if key.is_required}
    further = {name: valid(key.shape, depth) for name, key in keys.items() if not key.is_required}
    together = {name: key.goes_with for name, key in keys.items() if key.goes_with}
    made = st.fixed_dictionaries(needed, optional=further)
    for other in dict.fromkeys(key.unless for key in keys.values() if key.unless):
        without = {name: one for name, one in needed.items() if keys[name].unless != other}
        rest = {name: one for name, one in further.items() if name != other}
        made |= st.fixed_dictionaries(without | {other: further[other]}, optional=rest)
    return made.map(lambda value: without_idle(with_partners(value, together), keys))


def without_idle(value: dict[str, Value], keys: Mapping[str, Key]) -> dict[str, Value]:
    """Return a record without the keys that a mapping under another leaves nothing to say."""
    idle = {
        name
        for name, key in keys.items()
        if key.unless_many and isinstance(value.get(key.unless_many), dict)
    }
    return {name: one for name, one in value.items() if name not in idle}


def with_partners(value: dict[str, Value], together: Mapping[str, str]) -> dict[str, Value]:
    """Return a record without the keys whose partner is not there, and what went with them."""
    kept = {name: one for name, one in value.items() if together.get(name, name) in value}
    return kept if kept == value else with_partners(kept, together)


def with_others(
    made: st.SearchStrategy[Value], keys: Mapping[str, Key], rest: Rest, depth: int
) -> st.SearchStrategy[Value]:
    """Return what makes records with keys of the author's choice, where they may have some."""
    names = valid(rest.names).map(str).filter(lambda name: name not in keys)
    others = st.dictionaries(names, valid(rest.shape, depth), max_size=2)

    def together(value: dict[str, Value], more: dict[str, Value]) -> Value:
        return more | value if not rest.beside or rest.beside in value else value

    return st.builds(together, made, others)


def either(keys: Mapping[str, Key], instead: Instead, depth: int) -> st.SearchStrategy[Value]:
    """Return what makes values of a record that can be written in two ways."""
    one = {name: key for name, key in keys.items() if name != instead.key}
    other = {name: key for name, key in keys.items() if name not in instead.of}
    other[instead.key] = replace(keys[instead.key], is_required=True)
    return record(one, depth) | record(other, depth)


def variants(shape: Variants, depth: int) -> st.SearchStrategy[Value]:
    kinds = list(map(record_of, shape.kinds.values()))
    if depth > 1 and shape.scalar is not None:
        return valid(shape.scalar)
    found = [valid(replace(kind, keys={**kind.keys, **shape.shared}), depth) for kind in kinds]
    return st.one_of(*([valid(shape.scalar)] if shape.scalar else []), *found)


@functools.cache
def made(kind: str) -> st.SearchStrategy[Value]:
    return valid(SHAPES[kind], 1 if kind == "maps" else 0)


@st.composite
def damaged(draw: st.DrawFn, kind: str) -> Value:
    """Make a value of a kind, then hurt it in up to three places."""
    holder = {"root": copy.deepcopy(draw(made(kind)))}
    for _ in range(draw(st.integers(0, 3))):
        hurt(draw, holder)
    return holder["root"]


def odd(draw: st.DrawFn) -> Value:
    return copy.deepcopy(draw(ODD))


def hurt(draw: st.DrawFn, holder: Value) -> None:
    places = list(collections(holder))
    inside = draw(st.sampled_from(places))
    if isinstance(inside, list):
        inside.append(odd(draw))
        return
    key = draw(st.sampled_from(sorted(inside)))
    if inside is holder:
        inside[key] = odd(draw) if draw(st.booleans()) else inside[key]
        return
    match draw(st.sampled_from(["drop", "replace", "add", "rename"])):
        case "drop":
            del inside[key]
        case "replace":
            inside[key] = odd(draw)
        case "add":
            inside[draw(st.sampled_from([*ALL_KEYS, "no such key"]))] = odd(draw)
        case "rename":
            inside[draw(st.sampled_from(ALL_KEYS))] = inside.pop(key)


def collections(value: Value) -> Sequence[dict[str, Value] | list[Value]]:
    if isinstance(value, dict):
        inner = [found for one in value.values() for found in collections(one)]
        return [value, *inner] if value else inner
    if isinstance(value, list):
        return [value, *(found for one in value for found in collections(one))]
    return []


ALL_KEYS = sorted(
    {
        *(key for kind in model.RULE.kinds.values() for key in record_of(kind).keys),
        *record_of(model.Modifiers).keys,
        *record_of(model.MappingSection).keys,
        *record_of(model.Document).keys,
        *("env", "undo", "irreversible"),
    }
)


def is_read(text: str, shape: Shape) -> bool:
    """Whether the reader finds the shape in a text."""
    try:
        node = read_yaml(Source("any.yaml", text))
    except Stopped:
        return False
    return has_shape(node, shape)


def has_shape(node: Node, shape: Shape) -> bool:
    """Whether a file may have a shape, whatever its workspace shares."""
    return not [
        diagnostic
        for diagnostic in diagnostics_of(node, shape)
        if diagnostic.message not in MAY_BE_SHARED
    ]


def plain(node: Node) -> Value:
    """Return a node as an editor sees it, by YAML's core schema."""
    match node:
        case MapNode(entries=entries):
            return {entry.key.value: plain(entry.value) for entry in entries}
        case ListNode(items=items):
            return [plain(item) for item in items]
        case ScalarNode(kind="null"):
            return None
        case ScalarNode(kind="flag", value=value):
            return value.lower() == "true"
        case ScalarNode(kind="integer", value=value):
            return int(value)
        case ScalarNode(kind="number", value=value):
            return float(value)
        case ScalarNode(value=value):
            return value


@pytest.mark.parametrize("kind", SHAPES)
def test_whole_files(kind: str) -> None:
    """What is made to have the shape is accepted by both."""

    @settings(max_examples=examples(20), deadline=None, suppress_health_check=list(HealthCheck))
    @given(made(kind))
    def holds(value: Value) -> None:
        text = json.dumps(value, ensure_ascii=False)
        assert is_read(text, SHAPES[kind]), text
        assert VALIDATORS[kind].is_valid(value), text

    holds()


@pytest.mark.parametrize("kind", SHAPES)
def test_what_has_the_shape_is_bound(kind: str) -> None:
    """What the walk finds no error in becomes a value, whose words lie in the file."""

    @settings(max_examples=examples(20), deadline=None, suppress_health_check=list(HealthCheck))
    @given(made(kind))
    def holds(value: Value) -> None:
        source = Source("any.yaml", json.dumps(value, ensure_ascii=False))
        bound = SHAPES[kind].bind(read_yaml(source), At("", Text("", source, (0,))))
        assert {text.source for text in texts(bound) if text.source.path[0] != "<"} <= {source}

    holds()


def texts(value: object) -> Iterator[Text]:
    """Yield all words in a bound value."""
    if isinstance(value, Text):
        yield value
    elif isinstance(value, tuple):
        for one in value:
            yield from texts(one)
    elif isinstance(value, Construct):
        for name in value.__struct_fields__:
            yield from texts(getattr(value, name))


@pytest.mark.parametrize("kind", SHAPES)
def test_damaged_files(kind: str) -> None:
    """Whatever is done to a file, the schema accepts it exactly when the reader does."""

    @settings(max_examples=examples(30), deadline=None, suppress_health_check=list(HealthCheck))
    @given(damaged(kind))
    def holds(value: Value) -> None:
        text = json.dumps(value, ensure_ascii=False)
        assert is_read(text, SHAPES[kind]) == VALIDATORS[kind].is_valid(value), text

    holds()


@pytest.mark.parametrize("key", [*model.RULE.kinds, "a_parameter"])
def test_arguments_beside_what_tells_a_rule(key: str) -> None:
    """Beside `use`, a key that tells the kind of a rule is that key, and no parameter's name."""
    fields = {"F": {"use": "p", key: "x"}}
    shape = Record("fields", {"F": Key(model.RULE, "")})
    from mapgen.spec.editor import _schema

    used: dict[str, object] = {}
    validator = jsonschema_rs.validator_for({**_schema(shape, used), "$defs": used})

    assert is_read(json.dumps(fields), shape) == validator.is_valid(fields)


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_golden_cases(case: Path, tmp_path: Path) -> None:
    """A spec that the reader has an error of shape for, and no other, is refused by the schema."""
    from tests.compiler.cases import SPEC, build

    path = build(case.name, tmp_path) / SPEC
    try:
        node = read_yaml(Source(SPEC, path.read_text(encoding="utf-8")))
    except (Stopped, OSError, UnicodeDecodeError):
        return

    assert VALIDATORS["maps"].is_valid(plain(node)) == has_shape(node, model.Spec)


@pytest.mark.parametrize(
    ("text", "read", "accepted"),
    [
        pytest.param("retry: {attempts: 5.0}", False, True, id="5.0 is a whole number to JSON"),
        pytest.param("within: 1e3", False, True, id="JSON knows no notation of numbers"),
        pytest.param("name: True", False, True, id="nor of flags"),
        pytest.param('retry: {attempts: "5"}', False, False, id="text is no number to either"),
        pytest.param("within: '0.5'", True, True, id="a number in quotes is one where text is"),
    ],
)
def test_where_they_differ(text: str, read: bool, accepted: bool) -> None:
    """The schema sees values and not how they are written: the only places where they differ."""
    name = language.NAME
    shapes: Mapping[str, Key] = {
        "retry": Key(Record("retry", {"attempts": Key(Whole(1), "")}), ""),
        "within": Key(language.DECIMAL, ""),
        "name": Key(name, ""),
    }
    from mapgen.spec.editor import _schema

    shape = Record("a file", shapes)
    validator = jsonschema_rs.validator_for(_schema(shape, {}))

    assert is_read(text, shape) == read
    assert validator.is_valid(plain(read_yaml(Source("any.yaml", text)))) == accepted


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(one, id=name)
        for name, one in vars(language).items()
        if isinstance(one, Words) and one.pattern and one.example
    ],
)
@pytest.mark.parametrize("strange", ["\0", "\n", "\x7f", "\x85", "\x9f", "\ufffe"], ids=ascii)
def test_words_take_no_control_characters(words: Words, strange: str) -> None:
    """A word with a pattern is printable, wherever in it a control character is put."""
    validator = jsonschema_rs.validator_for(_words(words))
    for place in range(len(words.example) + 1):
        text = words.example[:place] + strange + words.example[place:]
        assert not is_read(json.dumps(text), words)
        assert not validator.is_valid(text)


@pytest.mark.parametrize("kind", FILES)
def test_schema_files_are_fresh(kind: str) -> None:
    """The files that modelines lead to are what `make docs` writes."""
    written = json.loads((ROOT / "specs" / f"{kind}.schema.json").read_text(encoding="utf-8"))

    assert written == editor_schema(kind)


@pytest.mark.parametrize(
    ("folder", "ending", "kind"),
    [
        pytest.param("", ".maps.yaml", "maps", id="specs"),
        pytest.param("environments", ".yaml", "environment", id="environments"),
        pytest.param("connections", ".yaml", "connection", id="connections"),
        pytest.param("contracts", ".overlay.yaml", "overlay", id="overlays"),
    ],
)
def test_own_files(folder: str, ending: str, kind: str) -> None:
    """Each file of ours names its schema in a comment, which accepts it."""
    paths = sorted((ROOT / "specs" / folder).rglob(f"*{ending}"))

    assert paths
    for path in paths:
        text = path.read_text(encoding="utf-8")
        modeline = re.search(r"^# yaml-language-server: \$schema=(\S+)$", text, re.MULTILINE)
        assert modeline, path
        schema = (path.parent / modeline[1]).resolve()
        assert schema == ROOT / "specs" / f"{kind}.schema.json"
        assert VALIDATORS[kind].is_valid(plain(read_yaml(Source(path.name, text))))


def test_every_key_is_explained() -> None:
    """Each key that an editor offers has its words: the purpose in the language's table."""

    def properties(schema: object) -> list[tuple[str, object]]:
        if isinstance(schema, list):
            return [found for one in schema for found in properties(one)]
        if not isinstance(schema, dict):
            return []
        own = schema.get("properties")
        mine = list(own.items()) if isinstance(own, dict) else []
        return mine + [found for one in schema.values() for found in properties(one)]

    found = [found for kind in FILES for found in properties(SCHEMAS[kind])]
    assert len(found) > 150
    assert [name for name, one in found if not (isinstance(one, dict) and one["description"])] == []
