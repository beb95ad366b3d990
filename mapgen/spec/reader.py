"""Nodes in, Spec out: what has the language's shape becomes frozen data; the rest is reported."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import cast

from mapgen.report import Source, Stopped, Text
from mapgen.report.catalogue import reading
from mapgen.spec import language, model
from mapgen.spec.nodes import Entry, ListNode, MapNode, Node, ScalarNode, read_yaml
from mapgen.spec.shapes import Fitting, Shape

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_FLOW = re.compile(
    r"""^flow\s*:\s*(?P<quote>['"]?)(?P<name>\w+)(?P=quote)\s*(?:#.*)?$""", re.MULTILINE
)
_BOUND = re.compile(r"(<=|>=|<|>) ?(-?\d+(?:\.\d+)?)")


def read_spec(source: Source) -> model.Spec:
    """Return the spec. Raises Stopped with every fault of YAML or shape."""
    root = _fitted(source, language.SPEC)
    version = _text(root, "maps")
    if version.value != "1":
        raise Stopped([reading.unknown_version(version.span(), version.value)])
    return model.Spec(
        source=source,
        flow=_text(root, "flow"),
        summary=_text(root, "summary"),
        owner=_text(root, "owner"),
        mapping=_mapping(_map(root, "mapping")),
        auth=_auth(_map(root, "auth")),
        performance=_performance(_map(root, "performance")),
        security=_security(_map(root, "security")),
    )


def flow_name(source: Source) -> str | None:
    """Return what the flow of a spec is called, faulty as the rest of it may be."""
    found = _FLOW.search(source.text)
    return found["name"] if found else None


def read_connection(source: Source) -> model.Connection:
    """Return the connection. Raises Stopped with every fault of YAML or shape."""
    root = _fitted(source, language.CONNECTION)
    scope = _optional_text(root, "scope")
    return model.Connection(
        source=source,
        name=_text(root, "connection"),
        kind=_text(root, "kind"),
        scope=scope.value if scope else "api offline_access",
    )


def read_environment(source: Source) -> model.Environment:
    """Return the environment. Raises Stopped with every fault of YAML or shape."""
    root = _fitted(source, language.ENVIRONMENT)
    limits = _map(root, "limits")
    flows = {entry.key.value: _as_map(entry.value) for entry in _entries(root, "settings")}
    return model.Environment(
        source=source,
        name=_text(root, "environment"),
        connections={
            entry.key.value: {
                value.key.value: _reference(value.value) for value in _as_map(entry.value).entries
            }
            for entry in _entries(root, "connections")
        },
        requests_per_minute=_whole(limits, "requests_per_minute"),
        concurrent_requests=_whole(limits, "concurrent_requests"),
        request_timeout=_seconds(_text(limits, "request_timeout")),
        settle=_seconds(_text(limits, "settle")),
        settle_text=_text(limits, "settle"),
        settings={
            flow: {entry.key.value: _as_scalar(entry.value) for entry in values.entries}
            for flow, values in flows.items()
        },
        setting_keys={
            flow: {entry.key.value: entry.key for entry in values.entries}
            for flow, values in flows.items()
        },
    )


def _fitted(source: Source, shape: Shape) -> MapNode:
    root = read_yaml(source)
    fitting = Fitting(language.NAMED, [])
    fitting.fit(root, shape)
    if fitting.faults:
        raise Stopped(fitting.faults)
    return _as_map(root)


def _mapping(node: MapNode) -> model.MappingSection:
    at = "mapping"
    return model.MappingSection(
        source=_source(_map(node, "source")),
        settings=tuple(
            model.Setting(entry.key, _as_scalar(entry.value).text)
            for entry in _entries(node, "settings")
        ),
        lookups=tuple(_lookup_table(entry) for entry in _entries(node, "lookups")),
        lets=tuple(
            model.Let(entry.key, _as_scalar(entry.value).text, f"{at}/let/{entry.key.value}")
            for entry in _entries(node, "let")
        ),
        skips=tuple(
            model.Skip(_text(item, "when"), _text(item, "because"), f"{at}/skip/{number}")
            for number, item in enumerate(_items(node, "skip"))
        ),
        documents=_documents(node, at),
        ignores=tuple(
            model.Ignore(entry.key, _as_scalar(entry.value).text)
            for entry in _entries(node, "ignore")
        ),
        examples=tuple(
            model.Example(_text(item, "name"), _text(item, "given"), _text(item, "gives"))
            for item in _items(node, "examples")
        ),
        rejects=tuple(_reject(item) for item in _items(node, "rejects")),
        span=node.span,
    )


def _documents(node: MapNode, at: str) -> tuple[model.Document, ...]:
    named = _entries(node, "documents")
    if not named:
        return (_document(node, Text.plain(model.ONLY), at),)
    return tuple(
        _document(_as_map(entry.value), entry.key, f"{at}/documents/{entry.key.value}")
        for entry in named
    )


def _document(node: MapNode, name: Text, at: str) -> model.Document:
    identity = _map(node, "identity")
    rows = None
    if node.get("each") is not None:
        where = _optional_text(node, "where")
        rows = model.DocumentRows(_text(node, "each"), _text(node, "as"), where)
    return model.Document(
        name=name,
        pointer=at,
        target=_target(_map(node, "target")),
        identity=model.Identity(
            _text(identity, "field"),
            _text(identity, "value"),
            f"{at}/identity/value",
            _optional_text(identity, "owner"),
        ),
        part=_part(node, at),
        checks=tuple(
            model.Check(
                _text(item, "name"),
                _text(item, "that"),
                _optional_text(item, "within"),
                f"{at}/checks/{number}",
            )
            for number, item in enumerate(_items(node, "checks"))
        ),
        when=_optional_text(node, "when"),
        rows=rows,
        after=_texts(node.get("after")),
    )


def _source(node: MapNode) -> model.SourceClause:
    entity = _optional_text(node, "entity")
    return model.SourceClause(
        name=_text(node, "name"),
        schema=_text(node, "schema" if entity is None else "contract"),
        key=_text(node, "key"),
        envelope=tuple(text.value for text in _texts(node.get("envelope"))),
        envelope_key=node.key("envelope"),
        format=_optional_text(node, "format"),
        delimiter=_optional_text(node, "delimiter"),
        quoting=_optional_text(node, "quoting"),
        joins=tuple(_join(entry) for entry in _entries(node, "joins")),
        group=_group(node),
        entity=entity,
        custom=tuple((one.key, _as_scalar(one.value).text) for one in _entries(node, "custom")),
    )


def _target(node: MapNode) -> model.TargetClause:
    schema = _optional_text(node, "schema")
    return model.TargetClause(
        contract=schema or _text(node, "contract"),
        entity=_text(node, "entity" if schema is None else "name"),
        operation=_text(node, "operation"),
        is_plain=schema is not None,
    )


def _join(entry: Entry) -> model.Join:
    node = _as_map(entry.value)
    return model.Join(
        name=entry.key,
        schema=_text(node, "schema"),
        on=tuple(
            model.JoinKey(pair.key, _as_scalar(pair.value).text) for pair in _entries(node, "on")
        ),
        on_span=_map(node, "on").span,
        takes=_text(node, "takes"),
        on_missing=_optional_text(node, "on_missing"),
        form=model.Format(
            _optional_text(node, "format"),
            _optional_text(node, "delimiter"),
            _optional_text(node, "quoting"),
            tuple(text.value for text in _texts(node.get("envelope"))),
            node.key("envelope"),
        ),
    )


def _group(source: MapNode) -> model.Group | None:
    key = source.key("group")
    if key is None:
        return None
    node = _map(source, "group")
    return model.Group(_texts(node.get("by")), _text(node, "as"), key)


def _reject(node: MapNode) -> model.Reject:
    return model.Reject(
        _text(node, "name"),
        _text(node, "given"),
        _text(node, "because"),
        _optional_text(node, "target"),
    )


def _lookup_table(entry: Entry) -> model.DeclaredTable:
    node = _as_map(entry.value)
    if node.get("inline") is not None:
        entries = tuple((one.key, _as_scalar(one.value)) for one in _entries(node, "inline"))
        return model.InlineTable(entry.key, entries)
    if node.get("ledger") is not None:
        return model.LedgerTable(entry.key, _text(node, "ledger"), _sample(node))
    if node.get("tenant") is not None:
        query = _map(node, "tenant")
        return model.TenantTable(
            entry.key,
            _text(query, "entity"),
            _texts(query.get("key")),
            _text(query, "value"),
            tuple((one.key, _as_scalar(one.value)) for one in _entries(query, "where")),
            _sample(node),
        )
    return model.LookupTable(
        entry.key, _text(node, "table"), _texts(node.get("key")), _optional_text(node, "value")
    )


def _sample(node: MapNode) -> model.Sample:
    found, name = node.get("sample"), node.key("sample")
    assert found is not None
    assert name is not None
    if isinstance(found, MapNode):
        pairs = [(entry.key, _as_scalar(entry.value).text) for entry in found.entries]
        entries = [
            model.SampleEntry(((None, key), (None, value)), key.span()) for key, value in pairs
        ]
    else:
        entries = [
            model.SampleEntry(
                tuple((cell.key, _as_scalar(cell.value).text) for cell in item.entries), item.span
            )
            for item in _items(node, "sample")
        ]
    return model.Sample(tuple(entries), name.span())


def _lookup_key(node: Node) -> model.LookupKey:
    if isinstance(node, MapNode):
        parts = tuple(model.KeyPart(one.key, _as_scalar(one.value).text) for one in node.entries)
        return model.LookupKey(parts, node.span)
    text = _as_scalar(node).text
    return model.LookupKey((model.KeyPart(None, text),), text.span())


def _part(node: MapNode, pointer: str) -> model.Part:
    note = node.get("note")
    note_key = node.key("note")
    return model.Part(
        fields=tuple(_rule(entry, f"{pointer}/fields") for entry in _entries(node, "fields")),
        custom=tuple(_rule(entry, f"{pointer}/custom") for entry in _entries(node, "custom")),
        note=_rule(Entry(note_key, note), pointer) if note is not None and note_key else None,
    )


def _rule(entry: Entry, pointer: str) -> model.Rule:
    at = f"{pointer}/{entry.key.value}"
    node = entry.value
    if isinstance(node, ScalarNode):
        kind: model.RuleKind = model.Value(node.text)
        return model.Rule(entry.key, kind, model.Modifiers(), node.span, at)
    rule = _as_map(node)
    return model.Rule(entry.key, _kind(rule, at), _modifiers(rule), entry.key.span(), at)


def _kind(node: MapNode, at: str) -> model.RuleKind:
    if node.get("const") is not None:
        return model.Const(_scalar(node, "const"))
    if node.get("value") is not None:
        return model.Value(_text(node, "value"))
    if node.get("lookup") is not None:
        return model.Lookup(
            _text(node, "lookup"),
            tuple(_lookup_key(item) for item in _several(node.get("key"))),
            _optional_text(node, "on_miss"),
            _optional_text(node, "otherwise"),
        )
    if node.get("first_of") is not None:
        return model.FirstOf(_texts(node.get("first_of")))
    if node.get("cases") is not None:
        return _cases(node)
    if node.get("each") is not None:
        return _each(node, at)
    if node.get("blocks") is not None:
        return _blocks(node, at)
    if node.get("made") is not None:
        return model.Made(_text(node, "made"), _text(node, "field"))
    return model.Object(_optional_text(node, "object"), _optional_text(node, "as"), _part(node, at))


def _cases(node: MapNode) -> model.Cases:
    cases = tuple(
        model.Case(_text(item, "when"), _text(item, "then")) for item in _items(node, "cases")
    )
    return model.Cases(cases, _text(node, "else"))


def _each(node: MapNode, at: str) -> model.Each:
    at_least = node.get("at_least")
    return model.Each(
        _text(node, "each"),
        _text(node, "as"),
        _optional_text(node, "where"),
        _as_scalar(at_least) if at_least is not None else None,
        _texts(node.get("unique")),
        _texts(node.get("row_key")),
        _part(node, at),
    )


def _blocks(node: MapNode, at: str) -> model.Blocks:
    at_least = node.get("at_least")
    return model.Blocks(
        tuple(
            _block(item, f"{at}/blocks/{number}")
            for number, item in enumerate(_items(node, "blocks"))
        ),
        _as_scalar(at_least) if at_least is not None else None,
        _texts(node.get("unique")),
        _texts(node.get("row_key")),
    )


def _block(node: MapNode, at: str) -> model.Block:
    source = _optional_text(node, "each")
    condition = _optional_text(node, "when" if source is None else "where")
    telling = node.key("fields" if source is None else "each")
    assert telling is not None
    alias = _optional_text(node, "as")
    return model.Block(source, alias, condition, _part(node, at), telling.span(), at)


def _modifiers(node: MapNode) -> model.Modifiers:
    bounds = _optional_text(node, "range")
    places = node.get("places")
    return model.Modifiers(
        if_missing=_optional_text(node, "if_missing"),
        on_error=_optional_text(node, "on_error"),
        clear_if_missing=node.key("clear_if_missing"),
        write_once=node.key("write_once"),
        omit_if=_optional_text(node, "omit_if"),
        too_long=_optional_text(node, "too_long"),
        range=_range(bounds) if bounds is not None else None,
        places=_places(places) if places is not None else None,
        rounding=_optional_text(node, "rounding"),
        because=_optional_text(node, "because"),
        proposed=_optional_text(node, "proposed"),
        examples=tuple(
            model.RuleExample(_changes(item), _scalar(item, "gives"), item.span)
            for item in _items(node, "examples")
        ),
        rejects=tuple(
            model.RuleReject(_changes(item), item.span) for item in _items(node, "rejects")
        ),
    )


def _places(node: Node) -> ScalarNode | model.CurrencyPlaces:
    if isinstance(node, ScalarNode):
        return node
    return model.CurrencyPlaces(_text(_as_map(node), "currency"))


def _changes(node: MapNode) -> Mapping[str, Node]:
    return {entry.key.value: entry.value for entry in _entries(node, "given")}


def _range(text: Text) -> model.Range:
    bounds = tuple((sign, Decimal(number)) for sign, number in _BOUND.findall(text.value))
    return model.Range(cast("tuple[tuple[model.Comparison, Decimal], ...]", bounds), text)


def _auth(node: MapNode) -> model.Auth:
    return model.Auth(
        target=_text(node, "target"),
        access=tuple(
            model.Access(entry.key, _texts(entry.value)) for entry in _entries(node, "access")
        ),
        access_at=node.span if (access := node.key("access")) is None else access.span(),
        span=node.span,
    )


def _performance(node: MapNode) -> model.Performance:
    volume, latency = _map(node, "volume"), node.get("latency")
    batch_size, concurrency = node.get("batch_size"), node.get("concurrency")
    return model.Performance(
        mode=_text(node, "mode"),
        schedule=_optional_text(node, "schedule"),
        peak_per_minute=_scalar(volume, "peak_per_minute"),
        per_day=_scalar(volume, "per_day"),
        p95=_seconds(_text(_as_map(latency), "p95")) if latency is not None else None,
        batch_size=_as_scalar(batch_size) if batch_size is not None else None,
        concurrency=_as_scalar(concurrency) if concurrency is not None else None,
        alerts=tuple(
            (entry.key, _as_scalar(entry.value).text) for entry in _entries(node, "alerts")
        ),
        span=node.span,
    )


def _security(node: MapNode) -> model.Security:
    retry, breaker, dead = node.get("retry"), node.get("circuit_breaker"), node.get("dead_letter")
    rollback = _map(node, "rollback")
    undo = rollback.get("undo")
    return model.Security(
        data=tuple(
            model.DataClass(entry.key, _as_scalar(entry.value).text)
            for entry in _entries(node, "data")
        ),
        data_at=None if (data := node.get("data")) is None else data.span,
        retry=_retry(_as_map(retry)) if retry is not None else None,
        circuit_breaker=_breaker(_as_map(breaker)) if breaker is not None else None,
        dead_letter_days=_days(_as_map(dead)) if dead is not None else None,
        verify=_optional_text(node, "verify"),
        undo=_text(_as_map(undo), "action") if undo is not None else None,
        irreversible=_optional_text(rollback, "irreversible"),
        span=node.span,
    )


def _retry(node: MapNode) -> model.Retry:
    first, ceiling = _text(node, "first"), _text(node, "ceiling")
    return model.Retry(
        _whole(node, "attempts"), _seconds(first), _seconds(ceiling), (first, ceiling)
    )


def _breaker(node: MapNode) -> model.CircuitBreaker:
    return model.CircuitBreaker(
        _whole(node, "failures"),
        _seconds(_text(node, "within")),
        _seconds(_text(node, "cool_down")),
    )


def _days(node: MapNode) -> int:
    return max(1, round(_seconds(_text(node, "keep")) / 86400))


def _reference(node: Node) -> model.Reference:
    if isinstance(node, ScalarNode):
        return model.Reference(node.text, is_variable=False)
    return model.Reference(_text(_as_map(node), "env"), is_variable=True)


def _seconds(text: Text) -> float:
    number = text.value.rstrip("msdh")
    return float(number) * _UNITS[text.value[len(number) :]]


def _whole(node: MapNode, key: str) -> int:
    return int(_scalar(node, key).value)


def _text(node: MapNode, key: str) -> Text:
    return _scalar(node, key).text


def _optional_text(node: MapNode, key: str) -> Text | None:
    found = node.get(key)
    return None if found is None else _as_scalar(found).text


def _texts(node: Node | None) -> tuple[Text, ...]:
    return tuple(_as_scalar(item).text for item in _several(node))


def _several(node: Node | None) -> tuple[Node, ...]:
    """Return the items of a list, or what stands alone in the place of one."""
    if node is None:
        return ()
    return tuple(node.items) if isinstance(node, ListNode) else (node,)


def _scalar(node: MapNode, key: str) -> ScalarNode:
    found = node.get(key)
    assert found is not None, key
    return _as_scalar(found)


def _map(node: MapNode, key: str) -> MapNode:
    found = node.get(key)
    assert found is not None, key
    return _as_map(found)


def _entries(node: MapNode, key: str) -> tuple[Entry, ...]:
    found = node.get(key)
    return () if found is None else _as_map(found).entries


def _items(node: MapNode, key: str) -> tuple[MapNode, ...]:
    found = node.get(key)
    return tuple(_as_map(item) for item in found.items) if isinstance(found, ListNode) else ()


def _as_map(node: Node) -> MapNode:
    assert isinstance(node, MapNode)
    return node


def _as_scalar(node: Node) -> ScalarNode:
    assert isinstance(node, ScalarNode)
    return node
