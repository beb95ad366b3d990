"""`mapgen check --fix`: what is certain is fixed, all else in the file stays as it was."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mapgen.disk.workspace import Workspace
from mapgen.project.autofix import Fixed, autofix, soundness
from mapgen.project.compiler import check_specs
from mapgen.report import Fix, Replacement, Source, Span
from mapgen.report.fix import spliced, written_at
from mapgen.spec.nodes import read_yaml
from tests.compiler.cases import CASES, EXPECTED, SPEC, build, command, names, speak
from tests.depth import examples

FIXABLE = tuple(
    name
    for name in names()
    if re.search(r"^ +fix: ", (CASES / name / EXPECTED).read_text("utf-8"), re.MULTILINE)
    and command(name) == ("check",)
)


def _diagnostics(workspace: Path) -> list[tuple[str, str]]:
    found = Workspace(workspace)
    return [(one.code, one.message) for one in check_specs(found, found.spec_paths()).diagnostics]


def _yaml_files(workspace: Path) -> list[Path]:
    return sorted((workspace / "specs").rglob("*.yaml"))


# Right by itself, the fix makes another diagnostic of the same words come to light: whether the
# author meant them so is for the author to say.
IN_DOUBT = {
    "expressions-of-wrong-type-and-many-of-them",
    "expressions-with-wrong-names-and-many-of-them",
    "fault-behind-tabs-in-a-literal-block",
    "fault-between-escapes-in-a-folded-quoted-scalar",
    "fault-in-a-folded-block-with-indented-lines",
    "join-of-an-entity-that-is-unknown",
    "value-starts-with-at",
    "value-starts-with-backquote",
}


def _comments(text: str) -> list[str]:
    return re.findall(r"(?:^|(?<=\s))#[^\r\n]*", text, re.MULTILINE)


@pytest.mark.parametrize("case", FIXABLE)
def test_case(
    case: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With fixes there are fewer diagnostics and none that is new; once more changes nothing.

    A file that could not be read to its end may say, then, what it could not say before.
    """
    workspace = build(case, tmp_path)
    before, texts = Counter(_diagnostics(workspace)), _texts(workspace)
    is_read = all(soundness(_alone(path, text), path)[0] == 2 for path, text in texts.items())

    spoken = speak(workspace, monkeypatch, capsys, "check", "--fix")

    after, fixed = Counter(_diagnostics(workspace)), _texts(workspace)
    assert (fixed == texts) == ("no changes made" in spoken.words) == (case in IN_DOUBT)
    if case in IN_DOUBT:
        assert "not made: something else would be wrong" in spoken.words
    elif is_read:
        assert after < before
    else:
        assert before - after
    for path, text in fixed.items():
        assert _comments(text) == _comments(texts[path])
        if text != texts[path]:
            read_yaml(Source(path, text.removeprefix("\ufeff")))
    again = speak(workspace, monkeypatch, capsys, "check", "--fix")
    assert "no changes made" in again.words
    assert _texts(workspace) == fixed


def _alone(path: str, text: str) -> Workspace:
    """Return a workspace of one file."""
    return Workspace(Path("nowhere"), {path: text})


def _texts(workspace: Path) -> dict[str, str]:
    return {
        path.relative_to(workspace).as_posix(): path.read_bytes().decode()
        for path in _yaml_files(workspace)
    }


# A line of the spec, what becomes of it, and what is said about the change.
LINES = [
    pytest.param(
        "    Remark: {value: parcel.?remark.trim(), too_long: truncate}",
        '    Remark: "parcel.service.toUpperCase()"',
        '    Remark: "parcel.service.upperAscii()"',
        "`toUpperCase` -> `upperAscii`",
        id="a method of another language",
    ),
    pytest.param(
        "    Remark: {value: parcel.?remark.trim(), too_long: truncate}",
        "    Remark: trim(parcel.service)",
        "    Remark: parcel.service.trim()",
        "`trim(parcel.service)` -> `parcel.service.trim()`",
        id="a method written as a function",
    ),
    pytest.param(
        "    Weight: parcel.weight",
        "    Parcels: parcel.items.length",
        "    Parcels: parcel.items.size()",
        "`length` -> `size()`",
        id="a length that is no field",
    ),
    pytest.param(
        "    Fragile: heavy",
        "    Fragile: heavy and parcel.cancelled",
        "    Fragile: heavy && parcel.cancelled",
        "`and` -> `&&`",
        id="a word for a sign",
    ),
    pytest.param(
        "    Fragile: heavy",
        "    Fragile: heavy & parcel.cancelled",
        "    Fragile: heavy && parcel.cancelled",
        "`&` -> `&&`",
        id="a single ampersand",
    ),
    pytest.param(
        "    Fragile: heavy",
        "    Fragile: 'parcel.service = ''a'''  # why",
        "    Fragile: 'parcel.service == ''a'''  # why",
        "`=` -> `==`",
        id="a single equals sign, in quotes, with a comment",
    ),
    pytest.param(
        "    Fragile: heavy",
        "    Fragile: heavy == True",
        "    Fragile: heavy == true",
        "`True` -> `true`",
        id="true as Python spells it",
    ),
    pytest.param(
        "    Fragile: heavy",
        "    Fragile: cancelled",
        "    Fragile: parcel.cancelled",
        "`cancelled` -> `parcel.cancelled`",
        id="a field without its record",
    ),
    pytest.param(
        "    Fragile: heavy",
        "    Fragile: !heavy",
        "    Fragile: '!heavy'",
        "`!heavy` -> `'!heavy'`",
        id="a value that starts with an exclamation mark",
    ),
    pytest.param(
        "    Fragile: heavy",
        "    Fragile: {value: !heavy, because: x}",
        "    Fragile: {value: '!heavy', because: x}",
        "`!heavy` -> `'!heavy'`",
        id="an exclamation mark between braces",
    ),
    pytest.param(
        "    Remark: {value: parcel.?remark.trim(), too_long: truncate}",
        "    Remark: {value: parcel.?remark.optMap(r, r.trim()), too_long: reject}",
        "    Remark: {value: 'parcel.?remark.optMap(r, r.trim())', too_long: reject}",
        "",
        id="a comma between braces",
    ),
    pytest.param(
        "    Weight: parcel.weight",
        "    Weight: [parcel.weight, parcel.value][0]",
        "    Weight: '[parcel.weight, parcel.value][0]'",
        "",
        id="a value that starts with a bracket",
    ),
    pytest.param(
        "    Weight: parcel.weight",
        "    Weight: heavy ? 1 : 2",
        "    Weight: 'heavy ? 1 : 2'",
        "`heavy ? 1 : 2` -> `'heavy ? 1 : 2'`",
        id="a colon inside a value",
    ),
    pytest.param(
        "    Weight: parcel.weight",
        "    Weight: {value: parcel.weight.orValue(1.0), because: it is weighed}",
        "    Weight: {value: parcel.weight, because: it is weighed}",
        "removed `.orValue(1.0)`",
        id="a handler of what is never missing",
    ),
    pytest.param(
        "  mode: queued",
        "  mode: queued\n  latency: {p95: 5 Minutes}",
        "  mode: queued\n  latency: {p95: 5m}",
        "`5 Minutes` -> `5m`",
        id="the spelling of a unit",
    ),
    pytest.param(
        "  mode: queued",
        '  mode: queued\n  concurrency: "2"',
        "  mode: queued\n  concurrency: 2",
        '`"2"` -> `2`',
        id="a number in quotes",
    ),
]


@pytest.mark.parametrize("ends", ["\n", "\r\n"], ids=["unix", "windows"])
@pytest.mark.parametrize(("line", "before", "after", "said"), LINES)
def test_line(line: str, before: str, after: str, said: str, ends: str, tmp_path: Path) -> None:
    """One line is written anew, and not a byte of all the others."""
    workspace = build("_base", tmp_path)
    spec = workspace / SPEC
    base = spec.read_text("utf-8")
    assert base.count(f"{line}\n") == 1
    faulty, expected = (
        base.replace(line, words).replace("\n", ends).replace("# The", "# 荷物 📦 The")
        for words in (before, after)
    )
    spec.write_bytes(faulty.encode())

    fixed = autofix(Workspace(workspace), (SPEC,))

    assert fixed.after[SPEC] == expected
    assert said in str(fixed.changes[0])
    assert str(fixed.changes[0]).startswith(f"{SPEC}:")


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ("operation: create", "operation: insert", "E114"),
        ("    parcel.tags: marketing data", "    parcel.weight: weighed by hand", "E433"),
        ("    Weight: parcel.weight", "    Weight: [parcel.weight]", "E111"),
        ("    parcel.tags: marketing data", "    parcel.zzzzzzz: asked for in March", "E432"),
    ],
    ids=[
        "a choice between meanings",
        "an ignored field that is used",
        "a list that is one in quotes as well",
        "an idle reason",
    ],
)
def test_what_is_in_doubt(before: str, after: str, code: str, tmp_path: Path) -> None:
    """Words that mean something, and reasons that an author gave, are left to the author."""
    workspace = build("_base", tmp_path)
    spec = workspace / SPEC
    text = spec.read_text("utf-8")
    assert text.count(before) == 1
    spec.write_text(text.replace(before, after))

    fixed = autofix(Workspace(workspace), (SPEC,))

    assert fixed.changes == ()
    assert code in {diagnostic.code for diagnostic in fixed.findings.diagnostics}


def test_a_flag_that_may_be_false(tmp_path: Path) -> None:
    """Whether a part overrides what the ERP has is for the author to say."""
    workspace = build("override-flag-is-false", tmp_path)

    fixed = autofix(Workspace(workspace), (SPEC,))

    assert fixed.changes == ()
    assert [diagnostic.code for diagnostic in fixed.findings.diagnostics] == ["E416"]


def test_byte_order_mark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A byte order mark stays where it is."""
    workspace = build("unknown-target-field", tmp_path)
    spec = workspace / SPEC
    spec.write_bytes(b"\xef\xbb\xbf" + spec.read_bytes())

    spoken = speak(workspace, monkeypatch, capsys, "check", "--fix")

    assert spoken.code == 0
    assert spec.read_bytes().startswith(b"\xef\xbb\xbf# ")
    assert spoken.words.splitlines() == [
        f"{SPEC}:29: `Wieght` -> `Weight`",
        "1 change made",
        "1 flow checked: all fine",
    ]


def test_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--diff` writes nothing, and what it shows can be applied."""
    workspace = build("unknown-target-field", tmp_path)
    spec = workspace / SPEC
    spec.write_bytes(spec.read_bytes().replace(b"\n", b"\r\n"))
    before = spec.read_bytes()

    spoken = speak(workspace, monkeypatch, capsys, "check", "--fix", "--diff")

    assert spec.read_bytes() == before
    assert spoken.words.startswith(f"--- a/{SPEC}\n+++ b/{SPEC}\n@@ ")
    assert shutil.which("git")
    shown = re.sub(r"^\d flow checked.*\n\Z", "", spoken.words, flags=re.MULTILINE)
    arguments = ["git", "apply", "--unsafe-paths", "-"]
    subprocess.run(arguments, cwd=workspace, input=shown.encode(), check=True)
    assert spec.read_bytes() == before.replace(b"Wieght", b"Weight")


def test_what_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What cannot be fixed is reported; what a fixed mistake had hidden is fixed after it."""
    workspace = build("unknown-target-field", tmp_path)
    spec = workspace / SPEC
    spec.write_text(spec.read_text("utf-8").replace("mode: queued", "mode: sometimes"))

    spoken = speak(workspace, monkeypatch, capsys, "check", "--fix")

    assert spoken.code == 1
    assert spoken.words == "no changes made\n"
    assert "error[E114]" in spoken.errors

    spec.write_text(spec.read_text("utf-8").replace("sometimes", "queud"))
    spoken = speak(workspace, monkeypatch, capsys, "check", "--fix")

    assert spoken.code == 0
    assert spoken.words.splitlines()[:3] == [
        f"{SPEC}:57: `queud` -> `queued`",
        f"{SPEC}:29: `Wieght` -> `Weight`",
        "2 changes made",
    ]


def test_a_bad_fix_among_good_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What leads to another diagnostic is not done, and all else is."""
    workspace = build("unknown-target-field", tmp_path)
    spec = workspace / SPEC
    text = spec.read_text("utf-8")
    assert "Fragile: heavy" in text
    spec.write_text(text.replace("Fragile: heavy", "Fragile: heavy && parcel.nubmer"))

    spoken = speak(workspace, monkeypatch, capsys, "check", "--fix")

    assert spoken.words.splitlines() == [
        f"{SPEC}:29: `Wieght` -> `Weight`",
        "1 change made",
        "1 fix not made: something else would be wrong then",
    ]
    assert "error[E301]" in spoken.errors
    assert "fix:" not in spoken.errors


def test_fixes_that_touch_each_other() -> None:
    """Of fixes that overlap one is taken, the one that was kept before, or the first."""
    source = Source(SPEC, "abcdef")
    first, second, third = (
        Fix((Replacement(Span(source, start, end), words),))
        for start, end, words in ((0, 3, "X"), (2, 4, "Y"), (5, 6, "ZZ"))
    )

    assert spliced("abcdef", [third, second, first]) == ("XdeZZ", (first, third))
    assert spliced("abcdef", [first, second, third], first=[second]) == ("abYeZZ", (second, third))
    assert written_at([first, third]) == [range(1), range(3, 5)]


def test_a_file_that_changed_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What an author has saved since the check is not written over."""
    workspace = build("unknown-target-field", tmp_path)
    spec = workspace / SPEC

    def slowly(*arguments: Any) -> Fixed:
        found = autofix(*arguments)
        spec.write_text("saved meanwhile\n")
        return found

    monkeypatch.setattr("mapgen.project.autofix.autofix", slowly)
    spoken = speak(workspace, monkeypatch, capsys, "check", "--fix")

    assert spoken.code == 1
    assert f"error[E510]: `{SPEC}` cannot be written: it has changed since" in spoken.errors
    assert spec.read_text() == "saved meanwhile\n"


def test_a_spec_behind_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file is fixed, with its permissions, and the link stays one."""
    workspace = build("unknown-target-field", tmp_path)
    spec, file = workspace / SPEC, workspace / "specs" / "real.yaml"
    spec.rename(file)
    file.chmod(0o640)
    spec.symlink_to("real.yaml")

    assert speak(workspace, monkeypatch, capsys, "check", "--fix").code == 0
    assert spec.is_symlink()
    assert "Wieght" not in file.read_text("utf-8")
    assert file.stat().st_mode & 0o777 == 0o640


UNDO = "rollback: {undo: {action: CancelDelivery}}"
ENTRY = "parcel.recipient.street: personal"


@pytest.mark.parametrize("ends", ["\n", "\r\n"], ids=["unix", "windows"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            f"security:\n  data: {{}}\n  {UNDO}\n",
            f"security:\n  data:\n    {ENTRY}\n  {UNDO}\n",
            id="no entry",
        ),
        pytest.param(
            f"security:\n  data: {{ }}  # none yet\n  {UNDO}\n",
            f"security:\n  data: {{{ENTRY} }}  # none yet\n  {UNDO}\n",
            id="no entry, and a comment",
        ),
        pytest.param(
            f"security:  # S\n\n    # what happens then\n    {UNDO}  # why\n",
            f"security:  # S\n    data:\n        {ENTRY}\n"
            f"\n    # what happens then\n    {UNDO}  # why\n",
            id="no section, in lines of their own",
        ),
        pytest.param(
            f"security: {{{UNDO}}}\n",
            f"security: {{data: {{{ENTRY}}}, {UNDO}}}\n",
            id="no section, in braces",
        ),
        pytest.param(
            f"security:\n  data: {{parcel.tags: confidential}}\n  {UNDO}\n",
            f"security:\n  data: {{{ENTRY}, parcel.tags: confidential}}\n  {UNDO}\n",
            id="an entry in braces",
        ),
    ],
)
def test_classes_of_data(before: str, after: str, ends: str, tmp_path: Path) -> None:
    """The entries go under `data:`, made where there is none, as the section is written."""
    workspace = build("_base", tmp_path)
    head = (workspace / SPEC).read_text("utf-8").partition("security:")[0]
    written, expected = ((head + text).replace("\n", ends) for text in (before, after))

    fixed = autofix(Workspace(workspace, {SPEC: written}), (SPEC,))

    assert fixed.after[SPEC] == expected
    assert not fixed.findings.diagnostics


def test_a_name_that_is_taken(tmp_path: Path) -> None:
    """A near name that another rule has already is not written a second time."""
    workspace = build("_base", tmp_path)
    spec = workspace / SPEC
    text = spec.read_text("utf-8").replace(
        "    Weight: parcel.weight\n", "    Weight: parcel.weight\n    Wieght: parcel.value\n"
    )
    spec.write_text(text)

    fixed = autofix(Workspace(workspace), (SPEC,))

    assert fixed.changes == ()
    assert [diagnostic.code for diagnostic in fixed.findings.diagnostics] == ["E412"]


def test_comments_stay(tmp_path: Path) -> None:
    """A line with a comment is not removed: the comment would go with it."""
    workspace = build("_base", tmp_path)
    spec = workspace / SPEC
    text = spec.read_text("utf-8").replace(
        "    parcel.tags: marketing data\n",
        "    parcel.tags: marketing data\n    parcel.colour: x  # asked for in March\n",
    )
    spec.write_text(text)

    assert autofix(Workspace(workspace), (SPEC,)).changes == ()


@pytest.mark.parametrize("form", ["json", "sarif"])
def test_for_programs(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Editors get the fix with the error: where, and the words that come there."""
    workspace = build("unknown-target-field", tmp_path)
    found = json.loads(speak(workspace, monkeypatch, capsys, "check", "--format", form).words)

    if form == "json":
        (edit,) = found[0]["fix"]
        assert (edit["line"], edit["column"], edit["words"]) == (29, 5, "Weight")
    else:
        (fix,) = found["runs"][0]["results"][0]["fixes"]
        (change,) = fix["artifactChanges"]
        assert change["artifactLocation"]["uri"] == SPEC
        assert change["replacements"][0]["insertedContent"]["text"] == "Weight"
        assert change["replacements"][0]["deletedRegion"]["endColumn"] == 11


def test_difference_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--diff` without `--fix` is a mistake of usage."""
    spoken = speak(build("_base", tmp_path), monkeypatch, capsys, "check", "--diff")

    assert spoken.code == 2
    assert "`--diff` goes with `--fix`" in spoken.errors


_BASE = (CASES / "_base" / SPEC).read_text("utf-8")
_WORDS = sorted({found.span() for found in re.finditer(r"[A-Za-z]{4,}", _BASE)})


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace whose spec is written anew for each example."""
    return build("_base", tmp_path_factory.mktemp("bench"))


@settings(max_examples=examples(40), deadline=None)
@given(
    words=st.lists(st.sampled_from(_WORDS), min_size=1, max_size=3, unique=True),
    change=st.sampled_from(["drop", "double", "quote", "bracket", "tab"]),
)
def test_any_typing_mistakes(bench: Path, words: list[tuple[int, int]], change: str) -> None:
    """Whatever is mistyped: a fix never makes a file harder to read, and has nothing left to do."""
    text = _BASE
    for start, end in sorted(words, reverse=True):
        text = text[:start] + _mistyped(text[start:end], change) + text[end:]
    (bench / SPEC).write_text(text, encoding="utf-8")

    fixed = autofix(Workspace(bench), (SPEC,))

    after = fixed.after.get(SPEC, text)
    assert soundness(_alone(SPEC, after), SPEC) >= soundness(_alone(SPEC, text), SPEC)
    again = autofix(Workspace(bench, {SPEC: after}), (SPEC,))
    assert again.changes == ()


def _mistyped(word: str, change: str) -> str:
    match change:
        case "drop":
            return word[:2] + word[3:]
        case "double":
            return word[:2] + word[1:]
        case "quote":
            return f"'{word}"
        case "bracket":
            return f"[{word}]"
        case _:
            return f"\t{word}"


# Of one mistake each, so that a fix changes one thing of the data.
PLAIN = tuple(name for name in FIXABLE if "-and-" not in name and name not in IN_DOUBT)
_ENTRY = re.compile(r"^( *(?:- )?)([\w.]+): (.*[^\s|>&-])$")
_PAIR = r"\w+: [^{}\[\],'\"#\n]+"


def _requoted(sign: str, line: str) -> list[str]:
    found = _ENTRY.match(line)
    if found is None or re.search(r"""['"\\#{}\[\],!@`&*]|: """, found[3]):
        return [line]
    return [f"{found[1]}{found[2]}: {sign}{found[3]}{sign}"]


def _in_block_style(line: str) -> list[str]:
    found = re.fullmatch(rf"( +)(\w+): {{({_PAIR}(?:, {_PAIR})*)}}", line)
    if found is None:
        return [line]
    return [f"{found[1]}{found[2]}:", *(f"{found[1]}  {one}" for one in found[3].split(", "))]


# Ways to write a line otherwise that leave the data as it is.
WAYS: dict[str, Callable[[str], list[str]]] = {
    "a comment above": lambda line: ["# 📦 {[ ' \" : - a comment", line],
    "a comment behind": lambda line: [f"{line}  # 荷物 'why'" if line.strip() else line],
    "a blank line": lambda line: ["", line],
    "blanks behind": lambda line: [f"{line}  "],
    "single quotes": partial(_requoted, "'"),
    "double quotes": partial(_requoted, '"'),
    "block style": _in_block_style,
    "turned": lambda line: [re.sub(rf"{{({_PAIR}), ({_PAIR})}}", r"{\2, \1}", line)],
}


def _otherwise(text: str, draw: st.DataObject) -> str:
    """Return a text with each line written in one of the ways, or as it is."""
    lines = text.split("\n")
    ways = draw.draw(
        st.lists(st.sampled_from(["", "", "", *WAYS]), min_size=len(lines), max_size=len(lines))
    )
    found = [WAYS[way](line) if way else [line] for way, line in zip(ways, lines, strict=True)]
    return "\n".join(line for one in found for line in one)


def _data(text: str) -> object:
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        return None


@pytest.fixture(scope="module")
def benches(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, str, object]]:
    """The workspace of a case, its spec, and the data of that after its fix; each made once."""

    @cache
    def made(case: str) -> tuple[Path, str, object]:
        workspace = build(case, tmp_path_factory.mktemp("layout"))
        text = (workspace / SPEC).read_bytes().decode().replace("\r\n", "\n")
        fixed = autofix(Workspace(workspace, {SPEC: text}), (SPEC,))
        return workspace, text, _data(fixed.after[SPEC])

    return made


@settings(max_examples=examples(40), deadline=None)
@given(case=st.sampled_from(PLAIN), draw=st.data(), ends=st.sampled_from(["\n", "\r\n"]))
def test_any_layout(
    case: str,
    draw: st.DataObject,
    ends: str,
    benches: Callable[[str], tuple[Path, str, object]],
) -> None:
    """However a mistake is written, its fix does the same to the data, or nothing at all."""
    workspace, text, expected = benches(case)
    written = _otherwise(text, draw).replace("\n", ends)
    assume(_data(written) == _data(text))

    fixed = autofix(Workspace(workspace, {SPEC: written}), (SPEC,))

    after = fixed.after[SPEC]
    assert _data(after) == expected or after == written
    assert _comments(after) == _comments(written)
    assert after.count("\r\n") == (after.count("\n") if ends == "\r\n" else 0)
