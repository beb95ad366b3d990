"""Places inside scalars: whatever way a text is written in YAML, each character knows its own."""

from __future__ import annotations

import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from mapgen.report import Source, Text
from mapgen.spec.nodes import MapNode, ScalarNode, read_yaml

_SPACE = " \t\r\n"
_WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp", "Cn", "Co")),
    max_size=12,
)
_TEXTS = st.lists(_WORDS, min_size=1, max_size=6).map("\n".join)
_INDENTS = st.integers(min_value=1, max_value=5)
_LINE_ENDS = st.sampled_from(["\n", "\r\n"])


def _text(document: str) -> Text | None:
    """Return the words under the key `a` of a document, or None where it is no YAML."""
    try:
        events = list(yaml.parse(document, Loader=yaml.CSafeLoader))
    except yaml.YAMLError:
        return None
    if any(isinstance(event, yaml.AliasEvent) for event in events):
        return None
    if any(isinstance(event, yaml.ScalarEvent) and event.tag for event in events):
        return None
    root = read_yaml(Source("spec", document))
    found = root.get("a") if isinstance(root, MapNode) else None
    return found.text if isinstance(found, ScalarNode) else None


def _holds(text: Text, *, is_escaped: bool = False) -> bool:
    """Whether the offsets are one more than the words, never fall, and lead to the characters."""
    offsets = list(text.offsets)
    file = text.source.text
    return (
        len(offsets) == len(text.value) + 1
        and offsets == sorted(offsets)
        and offsets[-1] <= len(file)
        and all(
            file[offset] == character or (is_escaped and file[offset] == "\\")
            for character, offset in zip(text.value, offsets, strict=False)
            if character not in _SPACE
        )
    )


@given(_TEXTS, _INDENTS, _LINE_ENDS)
@example("1 *\nparcel.weight", 4, "\r\n")
def test_literal_block(words: str, indent: int, line_end: str) -> None:
    """In a literal block only the indentation and the line ends differ."""
    lines = [" " * indent + line if line else "" for line in words.split("\n")]
    text = _text(line_end.join(["a: |", *lines, "b: 1", ""]))

    assert text is None or _holds(text)


@given(_TEXTS, _INDENTS, _LINE_ENDS)
@example("a\n b\n\n\nc", 2, "\n")
def test_folded_block(words: str, indent: int, line_end: str) -> None:
    """In a folded block a line end may be a blank."""
    lines = [" " * indent + line if line else "" for line in words.split("\n")]
    text = _text(line_end.join(["a: >-", *lines, "b: 1", ""]))

    assert text is None or _holds(text)


@given(_TEXTS, _INDENTS)
@example("it's\n\nhere", 3)
def test_single_quotes(words: str, indent: int) -> None:
    """In single quotes a quote is doubled, and lines are folded."""
    lines = words.replace("'", "''").split("\n")
    text = _text("a: '" + ("\n" + " " * indent).join(lines) + "'\n")

    assert text is None or _holds(text)


@given(_TEXTS, _INDENTS, st.data())
def test_double_quotes(words: str, indent: int, data: st.DataObject) -> None:
    """In double quotes any character may be escaped, and lines are folded."""
    lines = []
    for line in words.split("\n"):
        written = ""
        for character in line:
            way = data.draw(st.sampled_from(["plain", "u", "U"]))
            if way == "plain" and character not in '"\\':
                written += character
            elif way == "u" and ord(character) < 0x10000:
                written += f"\\u{ord(character):04x}"
            else:
                written += f"\\U{ord(character):08x}"
        lines.append(written)
    text = _text('a: "' + ("\n" + " " * indent).join(lines) + '"\n')

    assert text is None or _holds(text, is_escaped=True)


@given(_TEXTS, _INDENTS)
@example("a +\nb", 2)
def test_plain(words: str, indent: int) -> None:
    """A plain scalar is folded."""
    text = _text("a: " + ("\n" + " " * indent).join(words.split("\n")) + "\nb: 1\n")

    assert text is None or _holds(text)


@given(_TEXTS, st.sampled_from(["'", '"', None, "|", ">"]), _INDENTS, st.booleans())
def test_what_the_yaml_library_writes(
    words: str, style: str | None, indent: int, is_flow: bool
) -> None:
    """Whatever a YAML writer makes of a text reads back as the text, every place right."""
    document = yaml.dump(
        {"a": words},
        default_style=style,
        default_flow_style=is_flow,
        indent=indent + 1,
        width=20,
        allow_unicode=True,
    )
    text = _text(document)

    assert text is not None
    assert text.value == words
    assert _holds(text, is_escaped=True)


def test_unknown_disagreement_places_all_at_the_start() -> None:
    """Should the file and the words ever disagree, the place is that of the scalar."""
    from mapgen.spec.scalars import scalar_text

    text = scalar_text(Source("spec", "a: 'x'"), "something else", 3, 6)

    assert set(text.offsets) == {3}
