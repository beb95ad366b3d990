"""The schemas of a source in, the record that rules read out: joined records, groups of rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from msgspec.structs import replace

from mapgen.agreed.encodings import codec_of
from mapgen.agreed.formats import SETTINGS, taking
from mapgen.agreed.paths import holder_of, member_path, without_rows
from mapgen.contract.source_schema import SourceSchema
from mapgen.expression.functions import CALLS, FORM_NAMES
from mapgen.expression.parser import parse
from mapgen.expression.patterns import format_error
from mapgen.expression.tree import Call, Index, Name, Select, Tree, children
from mapgen.ir import types
from mapgen.report import Diagnostic, Text, near_names
from mapgen.report.catalogue import mapping as messages
from mapgen.report.catalogue import reading
from mapgen.report.catalogue import sources as words
from mapgen.spec import model as spec

T = TypeVar("T")

_JOINABLE = (types.STRING, types.INT)
_GROUPABLE = (*_JOINABLE, types.DATE)


def whole_record(
    source: spec.SourceClause,
    schema: SourceSchema | None,
    joined: Mapping[str, SourceSchema | None],
    diagnostics: list[Diagnostic],
) -> SourceSchema | None:
    """Return the schema of a record with all that is put into it; None where one cannot be used.

    Args:
        source: the clause that says what is put together.
        schema: that of a record, or of a row where rows are grouped.
        joined: those of the joins by their names.
        errors: grows by what does not go together.
    """
    diagnostics += _diagnostics_of_format(source.form, source.schema, schema)
    for join in source.joins:
        diagnostics += _diagnostics_of_format(join.form, join.schema, joined[join.name.value])
        diagnostics += _diagnostics_of_takes(join)
    if schema is None:
        return None
    whole = schema
    if source.group is not None:
        diagnostics += _diagnostics_of_group(source, source.group, schema)
        whole = _of_rows(source, source.group, schema)
    for join in source.joins:
        found = joined[join.name.value]
        if found is None:
            return None
        diagnostics += _diagnostics_of_key(source, join, whole, found)
        diagnostics += _diagnostics_of_where(join, found)
        whole = _with_join(join, whole, found)
    return whole


def _diagnostics_of_format(
    form: spec.Format, path: Text, schema: SourceSchema | None
) -> Iterator[Diagnostic]:
    """Yield what does not go together with the format of files."""
    for key, span in form.written:
        if key in SETTINGS and key not in form.kind.takes:
            yield messages.unfit_modifier(span, name=key, why=f"is for {taking(key)}")
    if form.thousands is not None and form.thousands.value == _decimal_sign(form):
        why = f"is the sign `{form.thousands.value}` of the decimals, too"
        yield messages.unfit_modifier(form.thousands, name="thousands", why=why)
    if schema is not None:
        yield from _diagnostics_of_dates(form, path, schema)
    if form.encoding is not None and codec_of(form.encoding.value) is None:
        yield words.unknown_encoding(form.encoding)
    if not form.kind.holds_cells:
        return
    nested = () if schema is None else tuple(_nested(schema))
    if nested:
        yield messages.cells_hold_one_value(path, fields=nested)


def _nested(schema: SourceSchema) -> Iterator[str]:
    """Yield the members of a record that no cell can hold: JSON in a text is one."""
    for name, kind in schema.record.fields.items():
        said = schema.stated.get((schema.record.name, name))
        is_nested = isinstance(types.present(kind), types.Object | types.ListOf | types.MapOf)
        if is_nested and not (said is not None and said.is_text):
            yield name


def _decimal_sign(form: spec.Format) -> str:
    return "." if form.decimal is None else form.decimal.value


def _diagnostics_of_dates(
    form: spec.Format, path: Text, schema: SourceSchema
) -> Iterator[Diagnostic]:
    for column, words_of in form.dates:
        kind = types.present(schema.record.fields.get(column.value, types.ERROR))
        if column.value not in schema.record.fields:
            known = near_names(column.value, schema.record.fields)
            yield words.unknown_key_member(column, owner=f"`{path.value}`", known=known)
        elif kind not in (types.DATE, types.TIMESTAMP):
            yield words.unfit_date_format(
                words_of, column=column.value, why=f"it is {kind_words(kind)}"
            )
        else:
            read_as = "date" if kind == types.DATE else "instant"
            if why := format_error(f"{read_as}_reading_pattern", words_of.value):
                yield words.unfit_date_format(words_of, column=column.value, why=why)


def _diagnostics_of_takes(join: spec.Join) -> Iterator[Diagnostic]:
    if join.takes_one and join.on_missing is None:
        why = "what it means that no record has the key: `reject`, `retry` or `omit`"
        yield reading.missing_key(
            join.name, key="on_missing", where="a join of `one` record", why=why
        )
    if not join.takes_one and join.on_missing is not None:
        why = "is for `takes: one`; the list of `many` is empty where none has the key"
        yield messages.unfit_modifier(join.on_missing, name="on_missing", why=why)


def _diagnostics_of_key(
    source: spec.SourceClause, join: spec.Join, whole: SourceSchema, joined: SourceSchema
) -> Iterator[Diagnostic]:
    if join.name.value in whole.record.fields:
        yield words.member_taken(join.name, schema=source.schema)
    grouped = "the record that `group` makes of rows"
    owner = f"`{(source.entity or source.schema).value}`" if source.group is None else grouped
    if not join.on:
        yield words.no_key(join.on_span)
    for pair in join.on:
        diagnostics = [*_diagnostics_of_joined_member(join, pair.member, joined.record)]
        is_member = not is_calculated(pair, source, whole.record)
        if is_member:
            way = f"; or write it as an expression, `{source.name.value}.?{pair.of.value}`"
            diagnostics += _diagnostics_of_member(pair.of, whole.record, owner, _JOINABLE, way)
        yield from diagnostics
        if diagnostics or not is_member:
            continue
        kind = types.present(joined.record.fields[pair.member.value])
        other = types.present(whole.record.fields[pair.of.value])
        if kind != other:
            yield words.key_types_differ(
                pair.of, member=pair.member, kind=kind_words(kind), other=kind_words(other)
            )


def _diagnostics_of_joined_member(
    join: spec.Join, member: Text, joined: types.Object
) -> Iterator[Diagnostic]:
    """Yield why no key can be made of a member of what is joined.

    Most fields of the ERP may be empty: such a record is joined to nothing.
    """
    if join.entity is not None:
        joined = replace(joined, fields={k: types.present(v) for k, v in joined.fields.items()})
    owner = f"`{(join.entity or join.schema).value}`"
    yield from _diagnostics_of_member(member, joined, owner, _JOINABLE)


def is_calculated(pair: spec.JoinKey, source: spec.SourceClause, record: types.Object) -> bool:
    """Whether what a member of joined records equals is an expression, and no member's name.

    It is one where something of a name that expressions know is in it, or a function; what cannot
    be read is one where it begins so. `order-id` is a member, and so is `Amount (EUR)`.
    """
    known, of = (source.name.value, "lookups", "settings"), pair.of
    if of.value in record.fields:
        return False
    tree = parse(of)
    if isinstance(tree, Diagnostic):
        return of.value.startswith(tuple(f"{name}{sign}" for name in known for sign in ".["))
    return any(_is_of(part, known) for part in _parts(tree))


def _parts(tree: Tree) -> Iterator[Tree]:
    yield tree
    for child in children(tree):
        yield from _parts(child)


def _is_of(tree: Tree, known: Iterable[str]) -> bool:
    """Whether a part is read from what has one of these names, or is what a function gives."""
    match tree:
        case Call(name=name):
            return name in CALLS or name in FORM_NAMES
        case Select(operand=Name(name=name)) | Index(operand=Name(name=name)):
            return name in known
        case _:
            return False


def _diagnostics_of_where(join: spec.Join, joined: SourceSchema) -> Iterator[Diagnostic]:
    """Yield what is wrong with the choice of records, and with the file that they are in."""
    for member, _ in join.where:
        kind = joined.record.fields.get(member.value)
        if kind is None:
            owner = f"`{join.schema.value}`"
            yield words.unknown_key_member(member, owner=owner, known=joined.record.fields)
        elif types.present(kind) != types.STRING:
            yield words.unfit_choice(member, why=f"it is {kind_words(types.present(kind))}")
    for key, span in join.form.written:
        if join.file is not None and key in ("format", *SETTINGS):
            why = "is that of the source where the records are in the input"
            yield messages.unfit_modifier(span, name=key, why=why)


def _diagnostics_of_group(
    source: spec.SourceClause, group: spec.Group, row: SourceSchema
) -> Iterator[Diagnostic]:
    for column in group.by:
        yield from _diagnostics_of_member(
            column, row.record, f"`{source.schema.value}`", _GROUPABLE
        )
        if column.value == group.alias.value:
            yield words.member_taken(group.alias, schema=column)


def _diagnostics_of_member(
    member: Text, record: types.Object, owner: str, fit: tuple[types.Type, ...], way: str = ""
) -> Iterator[Diagnostic]:
    """Yield why a key cannot be made of a member; `way` is out of one that may be missing."""
    kind = record.fields.get(member.value)
    wanted = "text or whole numbers" if fit is _JOINABLE else "text, whole numbers or dates"
    if kind is None:
        yield words.unknown_key_member(member, owner=owner, known=record.fields)
    elif types.present(kind) not in fit:
        yield words.unfit_key_member(
            member, why=f"it is {kind_words(types.present(kind))}", wanted=wanted, way=""
        )
    elif isinstance(kind, types.Optional):
        yield words.unfit_key_member(member, why="it may be missing", wanted=wanted, way=way)


def kind_words(kind: types.Type) -> str:
    """Return what a value is, in the words of messages."""
    match kind:
        case types.STRING:
            return "text"
        case types.INT:
            return "a whole number"
        case types.ListOf():
            return "a list"
        case types.ErrorType():
            return "of no one type"
        case types.Object():
            return "an object"
        case types.MapOf():
            return "a map"
        case _:
            return f"a {kind}"


def _of_rows(source: spec.SourceClause, group: spec.Group, row: SourceSchema) -> SourceSchema:
    """Return the schema of a record of rows: the columns of the key, and the list."""
    name = types.record_name(source.name.value)
    columns = [one for column in group.by for one in _meant(column.value, row.record.fields)]
    fields = {column: row.record.fields[column] for column in columns}
    is_taken = group.alias.value in fields
    fields[group.alias.value] = types.ERROR if is_taken else types.ListOf(row.record)
    lasting = {(name, column) for column in columns if (row.record.name, column) in row.lasting}
    if not group.by:  # a file is what it is: another one is another record
        lasting.add((name, group.alias.value))
    return replace(
        row,
        record=types.Object(name, fields),
        lasting=row.lasting | lasting,
        choices=_of_columns(row.choices, row.record.name, name, columns),
        stated=_of_columns(row.stated, row.record.name, name, columns),
    )


def _of_columns(
    known: Mapping[tuple[str, str], T], row: str, record: str, columns: Iterable[str]
) -> dict[tuple[str, str], T]:
    """Return what is known of a row's members, and the same of the columns of the record's key."""
    of_record = {
        (record, column): known[row, column] for column in columns if (row, column) in known
    }
    return {**known, **of_record}


def _meant(column: str, known: Mapping[str, types.Type]) -> tuple[str, ...]:
    """Return a column, or those that an unknown name may stand for: they are reported once."""
    return (column,) if column in known else near_names(column, known)


def _with_join(join: spec.Join, whole: SourceSchema, joined: SourceSchema) -> SourceSchema:
    """Return the schema of a record that what is joined is put into."""
    kind: types.Type = joined.record if join.takes_one else types.ListOf(joined.record)
    if join.takes_one and join.on_missing is not None and join.on_missing.value == "omit":
        kind = types.optional(kind)
    name = join.name.value
    if name in whole.record.fields:
        kind = types.ERROR
    return replace(
        whole,
        record=replace(whole.record, fields={**whole.record.fields, name: kind}),
        lasting=whole.lasting | joined.lasting,
        choices={**whole.choices, **joined.choices},
        stated={**whole.stated, **joined.stated},
        joined=whole.joined if joined.entity is None else {**whole.joined, name: joined.entity},
    )


def of_files(source: spec.SourceClause, record: types.Object) -> types.Object:
    """Return a record with those of its members alone that files hold: the ERP is asked for others.

    Only of these everything has to be read or ignored.
    """
    joined = {join.name.value: join.entity is None for join in source.joins}
    is_of_file = source.entity is None
    fields = {name: kind for name, kind in record.fields.items() if joined.get(name, is_of_file)}
    return replace(record, fields=fields)


def key_paths(source: spec.SourceClause, record: types.Object) -> Iterator[str]:
    """Yield the source paths that a record is put together by: no rule has to read them."""
    name = source.name.value
    for join in source.joins:
        at = member_path(name, join.name.value) + "[]" * (not join.takes_one)
        yield from (member_path(at, member.value) for member, _ in join.where)
        for pair in join.on:
            yield member_path(at, pair.member.value)
            if not is_calculated(pair, source, record):
                yield member_path(name, pair.of.value)
    if source.group is not None:
        rows = member_path(name, source.group.alias.value)
        for column in record.fields:
            yield member_path(name, column)
            yield member_path(f"{rows}[]", column)


def equivalent_paths(source: spec.SourceClause, path: str) -> tuple[str, ...]:
    """Return a source path, and the other one that holds the same: a key's column in its rows."""
    if source.group is None:
        return (path,)
    head = source.name.value
    rows = member_path(head, source.group.alias.value)
    columns = {column.value for column in source.group.by}
    parent, member = holder_of(without_rows(path))
    if member in columns and parent == head:
        return (path, member_path(f"{rows}[]", member))
    if member in columns and parent == rows:
        return (path, member_path(head, member))
    return (path,)
