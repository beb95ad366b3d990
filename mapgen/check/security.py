"""S: what is personal is named and masked, nothing secret is written out, an undo can be done."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from msgspec.structs import replace

from mapgen.agreed import plan
from mapgen.agreed.connections import VALUES
from mapgen.agreed.paths import covers, holder_of
from mapgen.check.composing import equivalent_paths
from mapgen.check.directions import idle_verify
from mapgen.check.reaching import reached
from mapgen.check.sources import Paths, all_paths, leaf_paths, near_paths, type_at
from mapgen.contract.model import Contract, Entity
from mapgen.contract.personal import personal_kind
from mapgen.contract.source_schema import SourceSchema
from mapgen.expression.typed import Typed
from mapgen.ir.flow import is_below_any
from mapgen.report import Diagnostic, Source, Span, Text
from mapgen.report.catalogue import operations as messages
from mapgen.report.catalogue.modifiers import undo_of_an_update
from mapgen.report.catalogue.reading import missing_key
from mapgen.spec import model as spec
from mapgen.spec.model import TAKEN_BACK, UNSEEN

# Shapes of tokens that their makers document, and of keys in general.
_SECRET_SHAPES: Mapping[str, str] = {
    "a Shopify access token": r"shp(at|ca|pa|ss|ua)_[0-9a-fA-F]{24,}",
    "a Stripe key": r"[sr]k_(live|test)_[0-9A-Za-z]{10,}",
    "an AWS access key": r"(AKIA|ASIA)[0-9A-Z]{16}",
    "a GitHub token": r"gh[pousr]_[0-9A-Za-z]{20,}",
    "a Slack token": r"xox[abprs]-[0-9A-Za-z-]{10,}",
    "a JSON Web Token": r"eyJ[0-9A-Za-z_-]{8,}\.eyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]{8,}",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "a password in a URL": r"(?<=://)[^\s/:@'\"]+:[^\s/@'\"]+(?=@)",
    "a bearer token": r"(?i:bearer) [0-9A-Za-z._~+/-]{20,}",
}
_SECRET_NAME = re.compile(r"(password|secret|api_?key|access_?token|private_?key)", re.IGNORECASE)

_PASSWORD_OF_QUERY = re.compile(r"[?&]password=", re.IGNORECASE)


def check_security(
    security: spec.Security,
    section: spec.MappingSection,
    schema: SourceSchema | None,
    written: Collection[tuple[spec.Document, Entity]],
    reads: Collection[str] | None,
) -> list[Diagnostic]:
    """Return the errors of the section.

    `written` are the documents with their entities, `reads` the source paths that rules read.
    """
    diagnostics: list[Diagnostic] = []
    retry = security.retry
    if retry.first.seconds > retry.ceiling.seconds:
        diagnostics.append(
            messages.retry_beyond_ceiling(retry.first.text, ceiling=retry.ceiling.text)
        )
    data = [] if schema is None else list(_data(security, section, schema, reads))
    if security.data_at is None and not data:
        data = [_missing(security, "data", UNSEEN)]
    diagnostics += data
    if security.rollback is None and written:
        diagnostics.append(_missing(security, "rollback", TAKEN_BACK))
    elif isinstance(security.rollback, spec.Undo):
        others = [(one, entity) for one, entity in written if one.rollback is None]
        diagnostics += _undo(security.rollback.undo.action, others)
    for one, entity in written:
        if isinstance(one.rollback, spec.Undo):
            diagnostics += _undo(one.rollback.undo.action, [(one, entity)])
    diagnostics += idle_verify(security, section)
    return diagnostics


def _missing(security: spec.Security, key: str, why: str) -> Diagnostic:
    return missing_key(security.span, key=key, where="`security:`", why=why)


def _undo(undo: Text, written: Collection[tuple[spec.Document, Entity]]) -> Iterator[Diagnostic]:
    """Yield what is wrong with the action that takes documents back."""
    having = [(one, entity) for one, entity in written if undo.value in entity.actions]
    if written and not having:
        names = "` or `".join(dict.fromkeys(entity.name for _, entity in written))
        actions = [action for _, entity in written for action in entity.actions]
        yield messages.unknown_action(undo, entity=names, known=actions)
    for document, entity in having:
        operation = document.target.operation
        if operation.updates:
            yield undo_of_an_update(undo, operation=operation.text, entity=entity.name)


def with_undo(
    written: spec.Spec, contract: Contract, documents: Iterable[plan.DocumentPlan]
) -> Iterator[plan.DocumentPlan]:
    """Yield documents with the action that takes them back, or why nothing does."""
    own = {one.name.value: one.rollback for one in written.mapping.documents}
    for one in documents:
        match own[one.name] or written.security.rollback:
            case spec.Undo(undo=undo) if undo.action.value in contract.entities[one.entity].actions:
                yield replace(one, undo=undo.action.value)
            case spec.Irreversible(irreversible=why):
                yield replace(one, irreversible=why.value)
            case _:
                yield one


def _data(
    security: spec.Security,
    section: spec.MappingSection,
    schema: SourceSchema,
    reads: Collection[str] | None,
) -> Iterator[Diagnostic]:
    name = section.source.name.value
    asked = (*(reads or ()), *(item.path.value for item in security.data))
    record = reached(schema.record, asked)
    paths = Paths.of(all_paths(record, name))
    classified: set[str] = set()
    for item in security.data:
        for path in equivalent_paths(section.source, item.path.value):
            classified.update(paths.under(path))
        if item.of is None and not paths.under(item.path.value):
            near = near_paths(item.path.value, paths.known)
            yield messages.unknown_source_path(item.path, known=near)
            classified.update(path for one in near for path in paths.under(one))
    looks: dict[str, list[tuple[str, str]]] = {}
    for leaf in leaf_paths(record, name):
        # Only what the rules read is ever seen.
        if leaf not in (reads or ()):
            continue
        kind = personal_kind(leaf, type_at(schema.record, leaf))
        if kind is not None and leaf not in classified:
            looks.setdefault(holder_of(leaf)[0], []).append((leaf, kind))
    first = next((item.path.span() for item in security.data if item.of is None), None)
    for parent, fields in looks.items():
        yield messages.unclassified(security.span, parent, fields, first or security.data_at)


def personal_paths(
    security: spec.Security, section: spec.MappingSection, schema: SourceSchema
) -> tuple[str, ...]:
    """Return the source paths that are personal or confidential, `*` and row marks filled in."""
    record = reached(schema.record, (item.path.value for item in security.data))
    paths = Paths.of(all_paths(record, section.source.name.value))
    classified = {
        path
        for item in security.data
        for one in equivalent_paths(section.source, item.path.value)
        for path in paths.under(one)
    }
    found = [path for path in paths.known if path in classified]
    return tuple(
        path for path in found if not any(covers(one, path) for one in found if one != path)
    )


def check_shown(
    personal: Collection[str],
    section: spec.MappingSection,
    key: Typed,
    identities: Iterable[tuple[Span, Iterable[str]]],
    reasons: Iterable[tuple[Span, Iterable[str]]],
) -> list[Diagnostic]:
    """Return an error for each personal path behind what is shown to everybody.

    Args:
        personal: the source paths that are personal or confidential.
        section: the mapping section.
        key: what people call a record by: it is in logs and rejects.
        identities: what documents are known by, in the ledger and in addresses, too: the place of
            each, and the source paths that it reads.
        reasons: what is said of records, the same way.
    """
    at = section.source.key.span()
    shown = [(messages.personal_reason, at, path) for path in key.reads]
    shown += [(messages.personal_reason, at, path) for at, reads in reasons for path in reads]
    shown += [(messages.personal_identity, at, path) for at, reads in identities for path in reads]
    return [
        reported(place, field=path)
        for reported, place, path in shown
        if is_below_any(personal, (path,))
    ]


def check_secrets(source: Source, *, has_credentials: bool) -> list[Diagnostic]:
    """Return an error for each token or key that is written out anywhere in a file."""
    return [
        messages.literal_secret(
            Span(source, found.start(), found.end()), what=what, is_credential=has_credentials
        )
        for what, shape in _SECRET_SHAPES.items()
        for found in re.finditer(shape, source.text)
    ]


def check_secret_references(environment: spec.Environment) -> list[Diagnostic]:
    """Return an error for each credential that an environment writes out."""
    diagnostics = [
        messages.literal_secret(
            value.text, what=f"the {name.replace('_', ' ')}", is_credential=True
        )
        for lead in environment.connections.values()
        for name, value in lead.references.items()
        if VALUES[name].is_secret and not value.is_variable
    ]
    diagnostics += [
        messages.literal_secret(found.text, what=what, is_credential=True)
        for what, found in _secrets_of_notices(environment.alerts)
        if not found.is_variable
    ]
    state = environment.state
    if state is not None and not state.is_variable and _PASSWORD_OF_QUERY.search(state.text.value):
        what = "the password of the ledger"
        diagnostics.append(messages.literal_secret(state.text, what=what, is_credential=True))
    diagnostics += [
        messages.literal_secret(
            setting.value.span, what=f"the setting `{name}`", is_credential=False
        )
        for values in environment.settings.values()
        for name, setting in values.items()
        if _SECRET_NAME.search(name)
    ]
    return diagnostics


def _secrets_of_notices(notices: spec.Notices | None) -> Iterator[tuple[str, spec.Reference]]:
    if notices is not None and notices.webhook is not None:
        yield "the address of the webhook", notices.webhook
    if notices is not None and notices.email is not None and notices.email.password is not None:
        yield "the password of the mail server", notices.email.password


def check_secret_rules(section: spec.MappingSection) -> list[Diagnostic]:
    """Return an error for each constant that a field for a secret gets."""
    return [
        messages.literal_secret(
            rule.kind.value.span, what=f"the value of `{rule.target.value}`", is_credential=False
        )
        for document in section.documents
        for rule in document.part.fields
        if isinstance(rule.kind, spec.Const) and _SECRET_NAME.search(rule.target.value)
    ]
