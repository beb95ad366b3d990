"""The MAPS language as data: every key of a spec and of the files beside it, with its purpose."""

from __future__ import annotations

from collections.abc import Mapping

from mapgen.spec.shapes import (
    Anything,
    Formula,
    Instead,
    Key,
    ListOf,
    Literal,
    MapOf,
    Named,
    OneOrMap,
    Record,
    Shape,
    Variants,
    Whole,
    Words,
)

NAME = Words("a name", r"[a-z][a-z0-9_]*", "shopify_orders")
FLOW_DOCUMENT = Words(
    "a flow, or a flow and its document",
    r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?",
    "shopify_orders",
)
PROSE = Words("text")
PATH = Words("a path")
DURATION = Words("a duration", r"\d+(\.\d+)?(ms|s|m|h|d)", "30s")
RANGE = Words(
    "a range", r"(<|<=|>|>=) ?-?\d+(\.\d+)?( and (<|<=|>|>=) ?-?\d+(\.\d+)?)?", "> 0 and <= 1000"
)
_AT = r" at ([01]\d|2[0-3]):[0-5]\d"
_DAYS = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_CRON = r"[0-9*,/-]+"
SCHEDULE = Words(
    "a schedule",
    rf"(on demand|every (minute|hour)|every [1-9]\d* (minutes|hours|days)|daily{_AT}"
    rf"|every ({_DAYS}){_AT}|monthly on ([1-9]|[12]\d|3[01]){_AT}|cron {_CRON}( {_CRON}){{4}})"
    r"(, after [a-z][a-z0-9_]*)?",
    "every 5 minutes",
)
DECIMAL = Words("a number", r"\d+(\.\d+)?", "0.01")
DELIMITER = Words("one character", r"[\t !#-/:-@\[-^`{-~]", ";")
FLAG = Words("mark", choices=("true",))
OPERATIONS = ("create", "update", "upsert")
SETTING_TYPES = ("string", "int", "decimal", "bool", "date", "timezone")
CUSTOM_TYPES = ("string", "int", "decimal", "bool", "date", "timestamp")
ROUNDINGS = ("half_up", "half_even", "up", "down")


def _required(shape: Shape, purpose: str) -> Key:
    return Key(shape, purpose, is_required=True)


PART_KEYS: Mapping[str, Key] = {
    "fields": _required(MapOf(Named("rule"), "fields"), "target field: rule"),
    "custom": Key(MapOf(Named("rule"), "custom fields"), "fields outside the contract: View.Field"),
    "note": Key(Named("rule"), "the record's note"),
}

PLACES = Variants(
    "decimal places",
    {
        "currency": Record(
            "the places of a currency",
            {"currency": _required(Formula(), "as many as the currency of this code has")},
        )
    },
    scalar=Whole(),
)

MODIFIERS: Mapping[str, Key] = {
    "if_missing": Key(Formula(), "the value to use when there is none, or `reject`"),
    "on_error": Key(
        Formula(), "what a step that fails gives: `omit` (no field), or a value; else a rejection"
    ),
    "clear_if_missing": Key(FLAG, "a missing value empties the field that the document has"),
    "write_once": Key(FLAG, "sent when the document is created, never on a later update"),
    "omit_if": Key(Formula(), "leave the field out when this holds; `value` is the value"),
    "too_long": Key(Words("way with long text", choices=("reject", "truncate")), "longer text"),
    "range": Key(RANGE, "what the number has to keep to"),
    "places": Key(PLACES, "decimal places; needs `rounding` where digits would be lost"),
    "rounding": Key(Words("rounding", choices=ROUNDINGS), "how to round to `places`"),
    "because": Key(PROSE, "why the rule is as it is, for reviewers"),
    "proposed": Key(FLAG, "nobody has reviewed it: `generate --release` refuses"),
    "examples": Key(ListOf(Named("rule_example")), "what the rule gives for small changes"),
    "rejects": Key(ListOf(Named("rule_reject")), "small changes that must be rejected"),
}

LOOKUP_KEYS: Mapping[str, Key] = {
    "lookup": _required(NAME, "the table"),
    "key": _required(
        ListOf(
            OneOrMap(Formula(), MapOf(Formula(), "the columns of a key")), or_single=True, least=1
        ),
        "key expressions, tried in turn; for a key of several columns, `{COLUMN: expression, …}`",
    ),
    "on_miss": Key(
        Words("way with a miss", choices=("reject", "retry", "omit")), "what a miss means"
    ),
    "otherwise": Key(Formula(), "the value to use when no key is found"),
}

BLOCK = Variants(
    "a block",
    {
        "each": Record(
            "a block of rows",
            {
                "each": _required(Formula(), "the source list"),
                "as": _required(NAME, "what one row is called inside"),
                "where": Key(Formula(), "which rows are taken"),
                **PART_KEYS,
            },
        ),
        "fields": Record(
            "a block of one row",
            {"when": Key(Formula(), "when the row is there; without, always"), **PART_KEYS},
        ),
    },
)

RULE = Variants(
    "a rule",
    {
        "const": Record("a constant rule", {"const": _required(Literal(), "the constant")}),
        "value": Record("a value rule", {"value": _required(Formula(), "the expression")}),
        "lookup": Record("a lookup rule", LOOKUP_KEYS),
        "first_of": Record(
            "a first_of rule",
            {
                "first_of": _required(
                    ListOf(Formula(), least=1), "expressions, the first that is not blank"
                )
            },
        ),
        "cases": Record(
            "a cases rule",
            {
                "cases": _required(
                    ListOf(
                        Record(
                            "a case",
                            {
                                "when": _required(Formula(), "the condition"),
                                "then": _required(Formula(), "the value"),
                            },
                        ),
                        least=1,
                    ),
                    "conditions in order",
                ),
                "else": _required(Formula(), "the value when no condition holds"),
            },
        ),
        "object": Record(
            "an object rule",
            {
                "object": _required(Formula(), "the source object; missing leaves the part out"),
                "as": _required(NAME, "what the source object is called inside"),
                **PART_KEYS,
            },
        ),
        "each": Record(
            "an each rule",
            {
                "each": _required(Formula(), "the source list"),
                "as": _required(NAME, "what one row is called inside"),
                "where": Key(Formula(), "which rows are taken"),
                "at_least": Key(Whole(), "fewest rows"),
                "unique": Key(
                    ListOf(Words("a target field"), or_single=True, least=1),
                    "target fields that no two rows have the same values in",
                ),
                "row_key": Key(
                    ListOf(Words("a target field"), or_single=True, least=1),
                    "target fields that a row of the document is recognised by; unique as well",
                ),
                **PART_KEYS,
            },
        ),
        "blocks": Record(
            "a blocks rule",
            {
                "blocks": _required(
                    ListOf(BLOCK, least=1), "the rows of one block, then those of the next"
                ),
                "at_least": Key(Whole(), "fewest rows, over all blocks"),
                "unique": Key(
                    ListOf(Words("a target field"), or_single=True, least=1),
                    "target fields that no two rows, of whatever block, have the same values in",
                ),
                "row_key": Key(
                    ListOf(Words("a target field"), or_single=True, least=1),
                    "target fields that a row of the document is recognised by; unique as well",
                ),
            },
        ),
        "made": Record(
            "a made rule",
            {
                "made": _required(NAME, "another document of the same record, one of `after`"),
                "field": _required(PROSE, "the key that the ERP gave it"),
            },
        ),
        "fields": Record("a part", PART_KEYS),
    },
    shared=MODIFIERS,
    scalar=Formula(),
)

_SAMPLE = _required(
    OneOrMap(
        ListOf(MapOf(Literal(), "an entry of the sample"), least=1),
        MapOf(Literal(), "the sample"),
    ),
    "entries for examples and tests, `KEY: VALUE`; a list of `{COLUMN: …}` for several columns",
)

LOOKUP = Variants(
    "a lookup",
    {
        "table": Record(
            "a lookup in a file",
            {
                "table": _required(PATH, "a CSV file, or a JSON file: `.json`"),
                "key": Key(
                    ListOf(PROSE, or_single=True, least=1),
                    "its key column, or several; without, the names of a JSON object are the keys",
                ),
                "value": Key(PROSE, "its value column; goes with `key`"),
            },
        ),
        "inline": Record(
            "an inline lookup",
            {
                "inline": _required(
                    MapOf(Literal(), "the entries"),
                    "key: value; all values of an `enum` in the source schema have to be there",
                )
            },
        ),
        "ledger": Record(
            "a lookup in the ledger",
            {
                "ledger": _required(
                    FLOW_DOCUMENT,
                    "the flow whose documents are looked up: by their identity, for their number",
                ),
                "sample": _SAMPLE,
            },
        ),
        "tenant": Record(
            "a lookup in the tenant",
            {
                "tenant": _required(
                    Record(
                        "the query",
                        {
                            "entity": _required(PROSE, "the entity of the contract"),
                            "key": _required(
                                ListOf(Words("a field"), or_single=True, least=1),
                                "the field that the key is compared with, or several",
                            ),
                            "value": _required(Words("a field"), "the field that is the value"),
                            "where": Key(
                                MapOf(Literal(), "conditions"),
                                "field: constant, for records that do not count",
                            ),
                        },
                    ),
                    "what is asked of the ERP, once for each key",
                ),
                "sample": _SAMPLE,
            },
        ),
    },
)

EXAMPLE = Record(
    "an example",
    {
        "name": _required(PROSE, "the situation"),
        "given": _required(PATH, "a source record, a JSON file beside the spec"),
        "gives": _required(PATH, "the document it becomes, or several by name, a JSON file"),
    },
)
REJECT = Record(
    "a reject",
    {
        "name": _required(PROSE, "the situation"),
        "given": _required(PATH, "a source record, a JSON file beside the spec"),
        "because": _required(PROSE, "part of the message of one of its faults"),
        "target": Key(PROSE, "the target path of that fault"),
    },
)

OPERATION = _required(
    Words("operation", choices=OPERATIONS),
    "`create` a document; `update` one that has to be there; `upsert`: either",
)
OUTSIDE = _required(
    Words("operation of a target outside the ERP", choices=("create",)),
    "what is done with the document",
)
TARGET = Variants(
    "the target",
    {
        "entity": Record(
            "the target",
            {
                "contract": _required(PROSE, "the pinned contract"),
                "entity": _required(PROSE, "the entity"),
                "operation": OPERATION,
            },
        ),
        "schema": Record(
            "a target outside the ERP",
            {
                "schema": _required(PATH, "the JSON Schema of a document"),
                "name": _required(
                    Words("a name", r"[A-Z][A-Za-z0-9]*", "Fulfillment"),
                    "a document's name",
                ),
                "operation": OUTSIDE,
            },
        ),
    },
)
IDENTITY = Record(
    "the identity",
    {
        "field": _required(PROSE, "the target field that carries it"),
        "value": _required(Formula(), "an expression over fields that never change"),
        "owner": Key(
            FLOW_DOCUMENT,
            "the flow, or the flow and its document, that makes the documents with this identity;"
            " this flow creates none",
        ),
    },
)
CHECKS = ListOf(
    Record(
        "a check",
        {
            "name": _required(PROSE, "what is compared, for people"),
            "that": _required(Formula(), "a condition over record and document"),
            "within": Key(DECIMAL, "tolerance of a comparison with `==`"),
        },
    )
)
DOCUMENT_KEYS: Mapping[str, Key] = {
    "target": _required(TARGET, "what goes out"),
    "identity": _required(
        IDENTITY, "how a document is recognised, so that nothing is created twice"
    ),
    **PART_KEYS,
    "checks": Key(CHECKS, "what has to hold for a document as a whole"),
}
DOCUMENT = Record(
    "a document",
    {
        "when": Key(Formula(), "the condition; where it does not hold, it is not made"),
        "each": Key(
            Formula(), "a source list: each of its rows becomes a document", goes_with="as"
        ),
        "as": Key(NAME, "what one row is called inside", goes_with="each"),
        "where": Key(Formula(), "which rows become a document", goes_with="each"),
        "after": Key(
            ListOf(NAME, or_single=True, least=1),
            "documents of the same record that have to be in the ERP first",
        ),
        **DOCUMENT_KEYS,
    },
)
FORMAT_KEYS: Mapping[str, Key] = {
    "format": Key(
        Words("format", choices=("json", "csv")), "what input files are; `json` unless said"
    ),
    "delimiter": Key(DELIMITER, "what stands between the cells of CSV; a comma unless said"),
    "quoting": Key(
        Words("quoting", choices=("double", "none")),
        "whether cells of CSV may stand in double quotation marks; `none` between tabs, else"
        " `double` unless said",
    ),
}

JOIN = Record(
    "a join",
    {
        "schema": _required(PATH, "the JSON Schema of one record of the joined file"),
        "on": _required(
            MapOf(PROSE, "the members of the key"),
            "the key: member of the joined record, and the member of the record that it equals",
        ),
        "takes": _required(
            Words("number of records", choices=("one", "many")),
            "`one` record, or a list of `many`, empty where none has the key",
        ),
        "on_missing": Key(
            Words("way with a missing record", choices=("reject", "retry", "omit")),
            "what it means that none has the key; goes with `takes: one`",
        ),
        "envelope": Key(
            ListOf(Words("a member name"), or_single=True),
            "members that its records are wrapped in",
        ),
        **FORMAT_KEYS,
    },
)
GROUP = Record(
    "a group",
    {
        "by": _required(
            ListOf(Words("a column"), or_single=True, least=1),
            "columns of the key: rows that follow each other and have one key are one record",
        ),
        "as": _required(NAME, "what a record calls the list of its rows"),
    },
)

SOURCE = Variants(
    "the source",
    {
        "schema": Record(
            "the source",
            {
                "name": _required(NAME, "what a record is called in expressions"),
                "schema": _required(PATH, "its JSON Schema"),
                "key": _required(Formula(), "what people call one record by"),
                "envelope": Key(
                    ListOf(Words("a member name"), or_single=True),
                    "members that a shop wraps its records in",
                ),
                **FORMAT_KEYS,
                "group": Key(GROUP, "makes one record of several rows of CSV"),
                "joins": Key(
                    MapOf(JOIN, "joins", NAME),
                    "records of other files that are put into each record, by member",
                ),
            },
        ),
        "entity": Record(
            "a source in the ERP",
            {
                "name": _required(NAME, "what a record is called in expressions"),
                "contract": _required(PROSE, "the pinned contract"),
                "entity": _required(PROSE, "its entity: records are what the ERP answers"),
                "key": _required(Formula(), "what people call one record by"),
                "custom": Key(
                    MapOf(
                        Words("type of a custom field", choices=CUSTOM_TYPES),
                        "custom fields",
                        Words("a custom field", r"[A-Za-z_]\w*\.[A-Za-z_]\w*", "Document.UsrX"),
                    ),
                    "fields outside the contract that the rules read: View.Field and its type",
                ),
            },
        ),
    },
)

MAPPING = Record(
    "`mapping:`",
    {
        "source": _required(SOURCE, "what comes in"),
        "settings": Key(
            MapOf(Words("type of a setting", choices=SETTING_TYPES), "settings", NAME),
            "constants with one value per environment",
        ),
        "lookups": Key(
            MapOf(LOOKUP, "lookups", NAME),
            "tables that translate one value into another",
        ),
        "let": Key(MapOf(Formula(), "lets", NAME), "names for expressions used more than once"),
        "skip": Key(
            ListOf(
                Record(
                    "a skip",
                    {
                        "when": _required(Formula(), "the condition"),
                        "because": _required(PROSE, "the reason, for people"),
                    },
                )
            ),
            "records that are left out, and why",
        ),
        **DOCUMENT_KEYS,
        "documents": Key(
            MapOf(DOCUMENT, "documents", NAME, least=1),
            "instead of `target` to `checks`: several documents of one record, by name",
        ),
        "ignore": Key(MapOf(PROSE, "ignores"), "source fields not used, each with its reason"),
        "examples": _required(ListOf(EXAMPLE, least=1), "records and the documents they become"),
        "rejects": Key(ListOf(REJECT), "records that must be rejected"),
    },
    Instead("documents", tuple(DOCUMENT_KEYS)),
)

AUTH = Record(
    "`auth:`",
    {
        "target": _required(NAME, "the connection, a file in connections/"),
        "access": _required(
            MapOf(
                ListOf(Words("right", choices=("read", "insert", "update", "delete", "act"))),
                "access",
            ),
            "the rights the flow needs, by entity",
        ),
    },
)

PERFORMANCE = Record(
    "`performance:`",
    {
        "mode": _required(
            Words("mode", choices=("direct", "queued", "batch")),
            "how it is operated; a `batch` takes its time where a peak exceeds the licence",
        ),
        "schedule": Key(
            SCHEDULE,
            "when it is started, for whoever operates it: `on demand`, `every hour`, "
            "`every 5 minutes`, `daily at 06:30`, `every monday at 06:30`, "
            "`monthly on 1 at 06:30`, `cron 30 6 * * 1-5`; behind it `, after FLOW`",
        ),
        "volume": _required(
            Record(
                "`volume:`",
                {
                    "peak_per_minute": _required(Whole(1), "documents in the busiest minute"),
                    "per_day": _required(Whole(1), "documents on the busiest day"),
                },
            ),
            "how much comes",
        ),
        "latency": Key(Record("`latency:`", {"p95": _required(DURATION, "95 of 100")}), "how soon"),
        "batch_size": Key(Whole(1), "documents claimed at once"),
        "concurrency": Key(Whole(1), "requests at the same time"),
        "alerts": Key(
            MapOf(Words("a threshold", r"(>|<) ?\d+(\.\d+)?(%|ms|s|m|h|d)?", "> 1%"), "alerts"),
            "when to call a person",
        ),
    },
)

UNSEEN = "source fields that must not be seen in logs and rejects; needed, `{}` for none"
SECURITY = Record(
    "`security:`",
    {
        "data": Key(
            MapOf(Words("class of data", choices=("personal", "confidential")), "data classes"),
            UNSEEN,  # needed: the checks miss it, which know what belongs there
        ),
        "retry": Key(
            Record(
                "`retry:`",
                {
                    "attempts": _required(Whole(1), "how often"),
                    "first": _required(DURATION, "first wait"),
                    "ceiling": _required(DURATION, "longest wait"),
                },
            ),
            "what is transient is tried again",
        ),
        "circuit_breaker": Key(
            Record(
                "`circuit_breaker:`",
                {
                    "failures": _required(Whole(1), "how many"),
                    "within": _required(DURATION, "in what time"),
                    "cool_down": _required(DURATION, "how long to stay away"),
                },
            ),
            "when to leave the ERP alone",
        ),
        "dead_letter": Key(
            Record("`dead_letter:`", {"keep": _required(DURATION, "how long")}), "given up on"
        ),
        "verify": Key(
            Words("verify", choices=("strict", "warn", "off")),
            "what it means that the ERP saved something else than was sent: `strict` wants a"
            " person, `warn` (where it is left out) tells it, `off` does not compare",
        ),
        "rollback": _required(
            Variants(
                "the rollback",
                {
                    "undo": Record(
                        "an undo",
                        {
                            "undo": _required(
                                Record("the undo", {"action": _required(PROSE, "an ERP action")}),
                                "the action that takes a document back",
                            )
                        },
                    ),
                    "irreversible": Record(
                        "an irreversible flow", {"irreversible": _required(PROSE, "why")}
                    ),
                },
            ),
            "how a document is taken back",
        ),
    },
)

SPEC = Record(
    "a spec",
    {
        "maps": _required(Words("version"), "the version of the language: 1"),
        "flow": _required(NAME, "the flow's name"),
        "summary": _required(PROSE, "one sentence for people"),
        "owner": _required(PROSE, "who answers for it"),
        "mapping": _required(MAPPING, "M: what becomes of a record"),
        "auth": _required(AUTH, "A: where it goes, with which rights"),
        "performance": _required(PERFORMANCE, "P: how much, how fast"),
        "security": _required(SECURITY, "S: what is secret, what happens on failure"),
    },
)

CONNECTION = Record(
    "a connection",
    {
        "connection": _required(NAME, "its name"),
        "kind": _required(Words("kind of system", choices=("acumatica",)), "what it is"),
        "grant": _required(Words("grant", choices=("password",)), "how a session is opened"),
        "scope": Key(PROSE, "OAuth scope"),
    },
)

REFERENCE = Variants(
    "a value or a reference",
    {
        "env": Record(
            "a reference",
            {
                "env": _required(
                    Words("a variable's name", r"[A-Z][A-Z0-9_]*", "ACUMATICA_URL"),
                    "the environment variable that holds the value",
                )
            },
        )
    },
    scalar=Words("a value"),
)

CREDENTIALS = ("url", "tenant", "client_id", "client_secret", "username", "password")
SECRETS = ("client_secret", "password")

ENVIRONMENT = Record(
    "an environment",
    {
        "environment": _required(NAME, "its name"),
        "connections": _required(
            MapOf(
                Record(
                    "a connection's values",
                    {
                        name: _required(REFERENCE, "how the tenant is reached")
                        for name in CREDENTIALS
                    },
                ),
                "connections",
            ),
            "where each connection leads here",
        ),
        "limits": _required(
            Record(
                "`limits:`",
                {
                    "requests_per_minute": _required(Whole(1), "of the licence"),
                    "concurrent_requests": _required(Whole(1), "of the licence"),
                    "request_timeout": _required(DURATION, "longest request"),
                    "settle": _required(
                        DURATION, "how long an unanswered request may still take effect"
                    ),
                },
            ),
            "the licence's limits",
        ),
        "settings": Key(MapOf(MapOf(Literal(), "settings"), "flows"), "values by flow and setting"),
    },
)

NAMED: Mapping[str, Shape] = {
    "rule": RULE,
    "rule_example": Record(
        "an example",
        {
            "given": _required(MapOf(Anything(), "changes"), "members of the row to change"),
            "gives": _required(Literal(), "the value the field gets"),
        },
    ),
    "rule_reject": Record(
        "a reject",
        {"given": _required(MapOf(Anything(), "changes"), "members of the row to change")},
    ),
}
