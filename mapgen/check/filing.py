"""Files that documents are written into: their names, their place, and what they can hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mapgen.agreed import plan
from mapgen.agreed.connections import CONNECTIONS
from mapgen.agreed.formats import writing
from mapgen.check.auth import check_connection_of, kind_of
from mapgen.check.model import Surroundings
from mapgen.contract.model import Entity
from mapgen.disk.workspace import GENERATED, SPECS
from mapgen.ir import flow as ir
from mapgen.report import Diagnostic, Text
from mapgen.report.catalogue import feeding, outward
from mapgen.spec import model as spec

_BRACES = re.compile(r"\{([^{}]*)\}|[{}]")
_HOLES = tuple(f"{{{name}}}" for name in plan.FileSend.HOLES)
_UNIQUE = f"{{{plan.FileSend.UNIQUE}}}"


def check_files(
    send: spec.FileSend,
    document: spec.Document,
    section: spec.MappingSection,
    around: Surroundings,
) -> Iterator[Diagnostic]:
    """Yield what is wrong with the files of a document, and what a file cannot do."""
    if len(section.documents) > 1:
        why = "a file holds documents of one kind, and this flow makes several of a record"
        help = "make a flow of each of them that is written into files"
        yield outward.unfit_send(send.folder, why=why, help=help)
    operation = document.target.operation
    if not operation.creates:
        why = f"a file is written once, and nothing in it is there to {operation.text.value}"
        help = "write `operation: upsert`, which writes each newer state into a later file"
        yield outward.unfit_send(operation.text, why=why, help=help)
    if send.connection is not None:
        yield from _connection(send, around)
    else:
        yield from check_folder(send.folder)
    yield from _name(send)
    for key, text in send.written.items():
        if key not in send.form.takes:
            why = f"`{key}` is for {writing(key)}"
            yield outward.unfit_send(text, why=why, help=f"remove `{key}:`")


def check_folder(folder: Text) -> Iterator[Diagnostic]:
    """Yield the error of a folder of the workspace that files of records come into or go out of."""
    if folder.value.partition("/")[0] in (SPECS, GENERATED):
        yield feeding.folder_of_another_use(folder)


def check_cells(
    section: spec.MappingSection, documents: Iterable[ir.Document | None]
) -> Iterator[Diagnostic]:
    """Yield the members of documents that no cell of a file can hold."""
    made = {one.name: one for one in documents if one is not None}
    for written in section.documents:
        document, send = made.get(written.name.value), written.target.send
        if document is None or not isinstance(send, spec.FileSend) or not send.form.holds_cells:
            continue
        for member in document.part.members:
            if isinstance(member, ir.Rows):
                what = "a list of rows" if member.is_list else "an object"
            elif member.is_list:
                what = "a list"
            else:
                continue
            at = _at(written, member.name, send)
            yield outward.nested_in_a_cell(at, field=member.name, what=what)


def written_as(send: spec.FileSend, entity: Entity) -> plan.FileSend:
    """Return how the runtime writes documents: columns are the values of the target schema."""
    values = (one for one in entity.fields.values() if one.shape == "value" and not one.is_list)
    form = send.form
    name = f"{{flow}}-{{moment}}-{_UNIQUE}{form.suffix}" if send.name is None else send.name.value
    return plan.FileSend(
        send.folder.value.rstrip("/"),
        name,
        send.format.value,
        tuple(one.name for one in values) if form.holds_cells else (),
        "," if send.delimiter is None else send.delimiter.value,
        "keep" if send.formulas is not None and send.formulas.value == "keep" else "reject",
    )


def _at(document: spec.Document, name: str, send: spec.FileSend) -> Text:
    """Return where a member is written; where it is in a part that is used, the format."""
    targets = (rule.target for rule in document.part.rules)
    return next((one for one in targets if one.value == name), send.format)


def _connection(send: spec.FileSend, around: Surroundings) -> Iterator[Diagnostic]:
    assert send.connection is not None
    fit = [one.name for one in CONNECTIONS.values() if one.holds_files]
    yield from check_connection_of(send.connection, around, fit)
    kind = kind_of(send.connection, around)
    if kind not in (None, *fit):
        why = f"a connection of kind `{kind}` leads to no files"
        yield outward.unfit_send(
            send.connection, why=why, help=f"name one of kind `{'`, `'.join(fit)}`"
        )


def _name(send: spec.FileSend) -> Iterator[Diagnostic]:
    """Yield what is wrong with how files are called: holes that nothing fills, one name for all."""
    if send.name is None:
        return
    for hole in _BRACES.finditer(send.name.value):
        if hole[0] not in _HOLES:
            why = f"nothing fills `{hole[0]}` in the names of files"
            help = f"names take `{'`, `'.join(_HOLES)}`"
            yield outward.unfit_send(send.name.part(*hole.span()), why=why, help=help)
    if _UNIQUE not in send.name.value:
        why = "two files would have one name, and the later one would replace the first"
        yield outward.unfit_send(send.name, why=why, help=f"write `{_UNIQUE}` in it")
