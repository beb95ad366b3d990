"""A message as data: its code, its words with holes, the places that show it, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Set
from functools import partial
from string import Formatter
from typing import Any

from msgspec import Struct

from mapgen.escaping import visible
from mapgen.report import fixes
from mapgen.report.diagnostic import Diagnostic, Label, Severity
from mapgen.report.fix import Fix
from mapgen.report.near import as_code, is_slip, near_names, offered
from mapgen.report.source import Span, Text

Place = Span | Text | Label
Values = Mapping[str, Any]


class Message(Struct, frozen=True):
    """One wording of a diagnostic: `CODE: words`, with a hole for each value that a call gives.

    A call gives the place, and the values of all holes by their names. The hole `it` holds the
    words at the place, unless they are given. Where `known` names are given, the help offers those
    that are near to `it`, and is as declared where none is.

    `label` are words beside the place, `related` is the hole of a further place and words beside
    that. `path` is the file where there is no place in it, by default what is in the hole `path`.
    `notes` has a line for each. `helps` are for some of the values of the hole `by`. `fix` is made
    of the place and the values. `unknown` is what kind of name is not known. What is at a place
    that `is_secret` is never shown.

    A hole may say how its value is written: `{found:a}` with an article; `{words:short}` cut to
    what fits in a line; `{names:, }` as code with that between, at most so many as in `{names:, 5}`
    (words for no names are behind a bar, and otherwise `none`); `{given:yes/no}` by whether it is
    true; `{names:one/several/none}` by how many there are; `{count:,}` as Python does.
    """

    text: str
    label: str = ""
    related: str = ""
    notes: str = ""
    help: str | None = None
    by: str = ""
    helps: Mapping[str, str] | None = None
    path: str | None = None
    fix: Callable[[Span, Values], Fix | None] | None = None
    severity: Severity = "error"
    unknown: str = ""
    is_secret: bool = False

    def __call__(
        self,
        at: Place | None = None,
        /,
        *,
        known: Iterable[str] = (),
        help: str | None = None,
        fix: Fix | None = None,
        **holes: object,
    ) -> Diagnostic:
        """Return the diagnostic; a `help` or a `fix` that is given comes in place of those here."""
        label = _label(at)
        values: dict[str, Any] = {"it": _words(at), **holes, "known": _ordered(known)}
        near = () if help else near_names(str(values["it"]), values["known"])
        if self.fix and label and not help and not fix:
            fix = self.fix(label.span, values)
        code, _, text = self.text.partition(": ")
        return Diagnostic(
            code,
            filled(text, values),
            label=label and Label(label.span, filled(self.label, values), self.is_secret),
            related=self._related(values),
            notes=tuple(filled(self.notes, values).splitlines()),
            help=help or offered(near) or self._help(values),
            path=filled(self.path, values) if self.path else values.get("path"),
            severity=self.severity,
            fix=fix,
            unknown=self.unknown,
            meant=near,
        )

    def _related(self, values: Values) -> tuple[Label, ...]:
        name, _, words = self.related.partition(": ")
        label = _label(values.get(name))
        return (Label(label.span, filled(words, values)),) if label else ()

    def _help(self, values: Values) -> str | None:
        help = self.help
        if self.helps is not None:
            help = self.helps.get(str(values[self.by]), help)
        return None if help is None else filled(help, values)


# A message about the second of two that cannot both be.
of_two = partial(Message, label="second", related="first: first")


def respelled(span: Span, of: Values) -> Fix | None:
    """Return the fix that writes the one near word of the language, None where several are."""
    near = near_names(of["it"], of["known"])
    return fixes.replaced(span, of["it"], near[0]) if len(near) == 1 else None


def renamed(span: Span, of: Values) -> Fix | None:
    """Return the fix that writes the one name near, where a slip explains it; else None."""
    fix = respelled(span, of)
    return fix if fix is not None and is_slip(of["it"], fix.replacements[0].words) else None


# A message about a name that nobody knows: where it is a slip, the name near to it is written.
misnamed = partial(Message, fix=renamed)


def filled(words: str, values: Values) -> str:
    """Return words with values in their holes, each written as its hole says."""
    shown, is_code, marks = "", False, 0
    for before, hole, form, _ in _PARSER.parse(words):
        shown += before.removeprefix("`") if is_code else before
        marks += before.count("`")
        if hole is None:
            continue
        value = _written(_PARSER.get_field(hole, (), values)[0], form or "", values)
        # Between two backquotes is a name, whatever is in it: it stays on its line.
        value = visible(value) if marks % 2 else value
        # A path with a name in backquotes stands for itself.
        is_code = "`" in value and shown.endswith("`") and f"`{{{hole}" in words
        shown = (shown.removesuffix("`") if is_code else shown) + value
    return shown


def _written(value: Any, form: str, values: Values) -> str:
    value = value.value if isinstance(value, Text) else value
    is_list = isinstance(value, Collection) and not isinstance(value, str)
    if form == "a":
        return f"{'an' if str(value)[:1] in tuple('aeiou') else 'a'} {value}"
    if form == "short":
        flat = " ".join(str(value).split())
        return flat if len(flat) <= _LONGEST else f"{flat[: _LONGEST - 3]}…"
    choices = _choices(form)
    if len(choices) > 1:
        chosen = {0: -1, 1: 0}.get(len(value), 1) if is_list else not value
        return filled(choices[chosen], values)
    if is_list:
        between, _, nothing = form.partition("|")
        return _listed(_ordered(value), between) if value else filled(nothing or "none", values)
    return "" if value is None else format(value, form)


def _choices(form: str) -> list[str]:
    """Return what is between slashes that are in no hole."""
    found, depth = [""], 0
    for sign in form:
        depth += (sign == "{") - (sign == "}")
        if sign == "/" and depth == 0:
            found.append("")
        else:
            found[-1] += sign
    return found


def _listed(names: tuple[str, ...], form: str) -> str:
    between = form.rstrip("0123456789")
    shown = names[: int(form[len(between) :] or len(names))]
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return between.join(map(as_code, shown)) + more


def _ordered(names: Iterable[str]) -> tuple[str, ...]:
    """Return names as they came, or by the alphabet where they came in no order."""
    return tuple(sorted(names) if isinstance(names, Set) else names)


def _label(at: Place | None) -> Label | None:
    return Label(at.span()) if isinstance(at, Text) else Label(at) if isinstance(at, Span) else at


def _words(at: Place | None) -> str:
    if isinstance(at, Text):
        return at.value
    span = at.span if isinstance(at, Label) else at
    return "" if span is None else span.source.text[span.start : span.end]


_LONGEST = 60
_PARSER = Formatter()
