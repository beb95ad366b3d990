"""The documents that flows write, and where: what two flows may write alike is known by marks.

Two documents are one to a look-up where tenant, entity and field of the identity are the same, no
constant key and nothing that is known of the two identities tells them apart. Marks make a table of
it: whoever writes what another one writes, too, finds a mark of it, however many flows there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product

from msgspec import Struct

from mapgen.check.ends import ANY, Ends, Texts, marks
from mapgen.check.model import Checked
from mapgen.ir.expression import Constant
from mapgen.ir.flow import Document, Fixed, Made
from mapgen.report import Span, Text
from mapgen.runtime.folding import alike
from mapgen.spec import model as spec


def kind_of(document: spec.Document) -> tuple[str, str]:
    """Return what documents have alike that one look-up may find.

    It is the entity and the field of the identity, of several the first: others only narrow it.
    """
    return document.target.entity.value, document.identity.field.value


Bucket = tuple[object, ...]
Mark = tuple[str, ...]


class Writer(Struct, frozen=True):
    """A document of a flow, as it is written and as it is made, and one of the places it goes to.

    `tenant` is what leads there; `environment` None: the workspace has none that says.
    """

    flow: Checked
    written: spec.Document
    document: Document
    environment: spec.Environment | None
    tenant: tuple[str, ...]

    @property
    def name(self) -> str:
        """What others call the document: `FLOW`, or `FLOW.DOCUMENT`."""
        return name_of(self.flow, self.written)

    @property
    def place(self) -> str | None:
        """What the environment is called."""
        return None if self.environment is None else self.environment.name.value

    @property
    def bucket(self) -> Bucket:
        """What is alike of all documents that one look-up may find."""
        return self.tenant, kind_of(self.written)

    def known_by(self) -> Iterator[Mark]:
        """Yield what the document is known by to those who may write it, too."""
        return product(*(known for known, _ in self._sides()))

    def asks_for(self) -> Iterator[Mark]:
        """Yield what a document that may be this one has among the marks it is known by."""
        return product(*(asked for _, asked in self._sides()))

    def is_apart_from(self, other: Writer) -> bool:
        """Whether constants of identities of several fields tell the documents apart."""
        mine, theirs = self._constants(), other._constants()
        return any(alike(mine[name]) != alike(theirs[name]) for name in mine.keys() & theirs.keys())

    def reach(self) -> tuple[object, ...]:
        """Return all that decides whether another document may be this one."""
        asked = [sorted(one) for _, one in self._sides()]
        return self.written.creates, self.bucket, asked, sorted(self._constants().items())

    def _constants(self) -> dict[str, str]:
        """Return the texts that are the same in the identity of every document, by their fields."""
        values = ((one.name, one.value) for one in self.document.identity_fields)
        return {
            name: value.value
            for name, value in values
            if isinstance(value, Constant) and isinstance(value.value, str)
        }

    def _sides(self) -> Iterator[tuple[frozenset[str], frozenset[str]]]:
        ends, constants = self.ends(), self.document.plan.identity.scope
        yield marks(ends.beginnings, is_backwards=False)
        yield marks(ends.endings, is_backwards=True)
        for key in sorted(self.document.plan.keys):
            yield _marks_of_a_key(constants.get(key))

    def ends(self) -> Ends:
        """Return how the identity can begin and end."""
        flow = self.flow.flow
        settings = {} if self.environment is None else self.environment.settings.get(flow.name, {})
        texts = Texts(
            {let.name: let.value for let in flow.lets},
            {key: setting.value.value for key, setting in settings.items()},
            {
                (one.name, member.name): member.held.constraints
                for one in flow.source_objects
                for member in one.fields
                if not member.held.is_varied
            },
        )
        value = self.document.identity_field.value
        return ANY if isinstance(value, Fixed | Made) else texts.ends(value)


def _marks_of_a_key(constant: str | None) -> tuple[frozenset[str], frozenset[str]]:
    """Return what a key is known by and asks after: two constants meet only where they are one."""
    if constant is None:
        return frozenset({"any"}), frozenset({"any", "constant"})
    value = f"={alike(constant)}"
    return frozenset({value, "constant"}), frozenset({value, "any"})


def writers_of(flow: Checked, environments: Iterable[spec.Environment]) -> list[Writer]:
    """Return the documents of a flow that reach the ERP, each wherever it is written."""
    connection = flow.spec.auth.target.value
    places: list[tuple[spec.Environment | None, tuple[str, ...]]] = [
        (environment, _tenant(environment, connection))
        for environment in environments
        if connection in environment.connections
    ]
    return [
        Writer(flow, written, document, environment, tenant)
        for written, document in documents_of(flow)
        if written.target.kind.keeps_documents
        for environment, tenant in places or [(None, (connection,))]
    ]


def place_in(flow: Checked, text: Text) -> Span | Text:
    """Return the place of words of a flow in its own file: where it takes them from another one."""
    reported = {one.path: one.reported.span for one in flow.spec.beside}
    return reported.get(text.source.path, text)


def documents_of(flow: Checked) -> Iterator[tuple[spec.Document, Document]]:
    """Yield the documents of a flow, each as it is written and as it is made."""
    written = {one.name.value: one for one in flow.spec.mapping.documents}
    for document in flow.flow.documents:
        yield written[document.name], document


def _tenant(environment: spec.Environment, connection: str) -> tuple[str, ...]:
    """Return what leads to a tenant; what a variable leads to is known in its environment alone."""
    references = environment.connections[connection].references
    values = [references[name] for name in ("url", "tenant") if name in references]
    names = [environment.name.value] if any(one.is_variable for one in values) else [""]
    return (*names, *(one.text.value.rstrip("/").casefold() for one in values))


def name_of(flow: Checked, document: spec.Document) -> str:
    """Return what others call a document: `FLOW`, or `FLOW.DOCUMENT`."""
    name, own = flow.flow.name, document.name.value
    return name if own == spec.ONLY else f"{name}.{own}"
