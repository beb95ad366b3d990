"""The pages of `docs/errors`: one for each code that the product can say, and true."""

from __future__ import annotations

import ast
import json
import re
import shutil
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import pytest

from mapgen.contract.source_schema import read_source_schema
from mapgen.contract.target_schema import read_target_schema
from mapgen.report import Stopped
from tests.report.grafting import Bench, Place, codes_of_file, is_whole_file, section, snippet
from tests.report.test_messages import ROWS

PROJECT = Path(__file__).resolve().parents[2]
PAGES = {path.stem: path.read_text("utf-8") for path in (PROJECT / "docs/errors").glob("*.md")}
CATALOGUE = PROJECT / "mapgen/report/catalogue"
RUNTIME = PROJECT / "mapgen/runtime"

SECTIONS = {
    "E": ("What it means", "Why it matters", "Before", "After"),
    "R": ("What it means", "Why it matters", "What was found", "What to do"),
}
CODE = re.compile(r"[ER]\d{3}")
# The base of all that stops a run; only its kinds are raised.
NEVER_RAISED = {"R500"}

# Codes that several messages of the catalogue have, each with one meaning.
SEVERAL_WORDINGS: Mapping[str, set[str]] = {
    "E117": {"malformed", "malformed_secret"},
    "E421": {"not_a_schema", "too_large"},
    "E448": {"sign_in_missing", "unfit_sign_in"},
    "E569": {
        "inline_column_alone",
        "unfit_entry",
        "unknown_value_column",
        "value_column_idle",
        "value_column_missing",
    },
    "E105": {"not_yaml", "tab", "second_colon", "key_too_deep", "tag_used", "strange_character"},
    "E107": {"alias_used", "anchor_used"},
    "E123": {"malformed_number", "number_too_large"},
    "E126": {"too_long", "nested_too_deep"},
    "E129": {"malformed_macro", "malformed_has", "malformed_bind"},
    "E202": {"different_types", "never_that"},
    "E205": {"needless_handler", "unreachable"},
    "E234": {"unfit_modifier", "idle_default"},
    "E206": {"needless_has", "needless_null"},
    "E208": {"int_division", "remainder"},
    "E422": {"unsupported_keyword", "untyped_value"},
    "E424": {"no_such_place", "root_is_no_object"},
    "E426": {"unusable_name", "half_a_letter"},
    "E212": {"elements_differ", "no_key"},
    "E213": {"no_index", "no_list", "no_order", "no_fields", "no_fields_of_a_list"},
    "E219": {"default_may_be_missing", "or_wants_optional", "no_flat_map"},
    "E412": {"unknown_field", "unknown_member"},
    "E496": {"identity_by_table", "identity_by_miss"},
    "E562": {"no_document", "unknown_document"},
    "E594": {"edited_code", "stale_code"},
    "E301": {"unknown_field", "field_of_another", "field_of_rows"},
    "E711": {"extends_itself", "no_spec"},
    "E712": {"nothing_there", "beyond_a_value"},
    "E713": {"there_already", "not_the_next"},
    "E523": {"foreign_state", "unusable_state"},
    "E720": {"unknown_part", "unknown_set"},
    "E723": {"unfit_argument", "may_be_missing"},
    "E724": {"unknown_entity", "wrong_entity"},
    "E727": {"part_in_circle", "expression_in_circle"},
    "E728": {
        *("unused_part", "unused_set", "unused_expression", "unused_parameter"),
        *("unused_file", "idle_set"),
    },
    "E729": {"name_twice", "name_of_the_language", "name_of_a_function"},
    "E730": {"example_differs", "example_unfit"},
}

# What a snippet's lines need to be gone from the rest of the spec.
WITHOUT: Mapping[str, tuple[Place, ...]] = {
    "E415": (("mapping", "fields", "CustomerID"),),
    "E431": (("mapping", "ignore", "order.cancel_reason"),),
    "E444": (("connections", "acumatica"),),
    "E514": (("settings", "shopify_orders", "guest_customer"),),
}
# A snippet replaces rules: what they alone had used, what a part says already, and what is used
# anew, is not its subject.
ACCOUNTING = {"E314", "E431", "E433", "E725", "E728"}
# A second flow has no settings in any environment.
ALSO: Mapping[str, set[str]] = {
    code: {"E514"} for code in ("E504", "E561", "E563", "E601", "E602", "E603")
} | {
    # Without the part `address` nobody says what of it is personal.
    "E417": {"E463"}
}
# Snippets that only show an outline (E103), are of a file that `check` does not read, are wrong in
# a release only (E530, E534), by tables that the flow lacks (E493), of a part of its rows (E490),
# by schemas that no flow has (E573), for an input (E529), take a clause's place (E449, E581, E587,
# E588, E589, E630), are about a connection that the flow lacks (E446 to E448, E628, E629), need two
# specs (E606, E711 to E717) or all of them (E710), or are about files of parts (E72x, E730): golden
# cases have them.
NOT_TRIED = {
    *(
        "E103",
        "E407",
        "E408",
        "E409",
        "E490",
        "E493",
        "E529",
        "E530",
        "E534",
        "E573",
        "E580",
        "E581",
    ),
    *(
        "E446",
        "E447",
        "E448",
        "E449",
        "E587",
        "E588",
        "E589",
        "E595",
        "E606",
        "E628",
        "E629",
        "E630",
    ),
    *(f"E{number}" for number in range(710, 731)),
}


def _wordings_by_code() -> Mapping[str, set[tuple[str, str]]]:
    """Return the rows that say each code, and the functions that say one by themselves."""
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for (area, name), row in ROWS.items():
        found[row.text.partition(":")[0]].add((area, name.strip("_").lower()))
    for path in sorted(CATALOGUE.glob("*.py")):
        for function in ast.parse(path.read_text("utf-8")).body:
            if isinstance(function, ast.FunctionDef):
                for code in _codes(function):
                    found[code].add((path.stem, function.name))
    return found


def _codes(tree: ast.AST) -> set[str]:
    """Return the texts in a piece of code that are a code and nothing else."""
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and CODE.fullmatch(node.value)
    }


def _runtime_codes() -> set[str]:
    trees = (ast.parse(path.read_text("utf-8")) for path in RUNTIME.rglob("*.py"))
    return set().union(*map(_codes, trees)) - NEVER_RAISED


WORDINGS = _wordings_by_code()


def test_every_code_has_a_page() -> None:
    """What the catalogue or the runtime can say is explained."""
    assert {*WORDINGS, *_runtime_codes()} - {*PAGES} == set()


def test_no_page_is_orphaned() -> None:
    """A page explains a code that something says."""
    assert {*PAGES} - {*WORDINGS, *_runtime_codes()} == set()


def test_one_code_one_meaning() -> None:
    """A code is of one message; where wordings differ, the table above says so."""
    shared = {
        code: {name for _, name in functions}
        for code, functions in WORDINGS.items()
        if len(functions) > 1
    }

    assert shared == SEVERAL_WORDINGS


def test_one_code_one_area() -> None:
    """Wordings of one code are in one file of the catalogue."""
    areas = {code: {area for area, _ in functions} for code, functions in WORDINGS.items()}

    assert {code for code, found in areas.items() if len(found) > 1} == set()


def test_one_function_one_code() -> None:
    """A function of the catalogue never chooses between codes."""
    codes: dict[tuple[str, str], set[str]] = defaultdict(set)
    for code, functions in WORDINGS.items():
        for function in functions:
            codes[function].add(code)

    assert {function for function, found in codes.items() if len(found) > 1} == set()


def test_one_runtime_code_one_meaning() -> None:
    """What expressions raise and what limits raise are told apart, but for a missing value."""
    functions, limits = (
        _codes(ast.parse((RUNTIME / name).read_text("utf-8")))
        for name in ("functions.py", "limits.py")
    )

    assert functions & limits == {"R201"}


@pytest.mark.parametrize("code", sorted(PAGES))
def test_shape_of_a_page(code: str) -> None:
    """A title, then the four sections in their order, each with something in it; one screen."""
    page = PAGES[code]
    lines = page.split("\n")
    found = tuple(re.findall(r"^\*\*([A-Z][^*\n]*)\*\*$", page, re.M))

    assert re.fullmatch(rf"# {code}: \S.*[^.\s]", lines[0])
    assert found == SECTIONS[code[0]]
    assert all(section(page, name) for name in found)
    assert page.count("```") % 2 == 0
    assert page.endswith("\n")
    assert len(lines) - 1 < 35
    assert max(map(len, lines)) <= 110


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A copy of the specs."""
    root = tmp_path_factory.mktemp("workspace")
    shutil.copytree(PROJECT / "specs", root / "specs")
    return Bench(root)


def _snippets(language: str) -> list[object]:
    found: list[object] = []
    for code, page in sorted(PAGES.items()):
        if code.startswith("E") and code not in NOT_TRIED:
            before = snippet(section(page, "Before"), language)
            after = snippet(section(page, "After"), language)
            if before and after:
                found.append(pytest.param(code, before, after, id=code))
    return found


@pytest.mark.parametrize(("code", "before", "after"), _snippets("yaml"))
def test_snippets_of_specs(code: str, before: str, after: str, bench: Bench) -> None:
    """In the project's own spec, the first snippet has the error and the second has none."""

    def codes(words: str) -> set[str]:
        if is_whole_file(words):
            return codes_of_file(words)
        return bench.codes(words, WITHOUT.get(code, ()))

    assert code in codes(before)
    assert codes(after) - (ACCOUNTING - {code}) - ALSO.get(code, set()) == set()


@pytest.mark.parametrize("code", ["E130", "E421", "E422", "E423", "E424", "E428", "E582", "E585"])
def test_snippets_of_schemas(code: str) -> None:
    """The first schema has the error, the second can be used."""

    def codes(part: str) -> set[str]:
        words = snippet(section(PAGES[code], part), "json")
        assert words is not None
        try:
            if code == "E130" and part == "After":
                json.loads(words)
            elif code.startswith("E58"):
                read_target_schema("schema.json", words, "Order")
            else:
                schema = read_source_schema("schema.json", words, "order")
                return {
                    diagnostic.code for one in schema.stated.values() for diagnostic in one.unheld
                }
        except Stopped as stopped:
            return {diagnostic.code for diagnostic in stopped.diagnostics}
        return set()

    assert codes("Before") == {code}
    assert codes("After") == set()


@pytest.mark.parametrize("code", sorted(code for code in PAGES if code[:2] in ("R1", "R2", "R3")))
def test_records_that_were_found(code: str) -> None:
    """The records shown are JSON, as far as their error allows."""
    words = snippet(section(PAGES[code], "What was found"), "json")

    assert words is not None
    assert isinstance(json.loads(words), dict)
