"""The words of the language: how names, durations, schedules and choices are written."""

from __future__ import annotations

from mapgen.agreed.formats import FORMATS, WRITTEN
from mapgen.agreed.plan import OPERATIONS
from mapgen.spec.shapes import ListOf, Words

NAME = Words("a name", r"[a-z][a-z0-9_]*", "shopify_orders")
PARAMETER_TYPE = Words(
    "a type",
    r"(string|int|decimal|bool|date|timestamp|timezone)\??",
    "string?",
)
FLOW_DOCUMENT = Words(
    "a flow, or a flow and its document",
    r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?",
    "shopify_orders",
)
PROSE = Words("text")
PATH = Words("a path")
MEANING = Words("a hash", r"[0-9a-f]{64}")
DURATION = Words("a duration", r"\d+(\.\d+)?(ms|s|m|h|d)", "30s")
RANGE = Words("a range", r"(<=|>=|<|>) ?[!-;?-~\w][ -~\w]*", "> 0 and <= 1000")
_AT = r" at ([01]\d|2[0-3]):[0-5]\d"
_DAYS = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_CRON = r"[0-9*,/-]+"
_MOMENTS = (
    rf"every (minute|hour)|every [1-9]\d* (minutes|hours|days)|daily{_AT}"
    rf"|every ({_DAYS}){_AT}|monthly on ([1-9]|[12]\d|3[01]){_AT}|cron {_CRON}( {_CRON}){{4}}"
)
SCHEDULE = Words(
    "a schedule", rf"(on demand|{_MOMENTS})(, after [a-z][a-z0-9_]*)?", "every 5 minutes"
)
MOMENTS = Words("a schedule", _MOMENTS, "daily at 03:30")
TOPIC = Words("a topic", r"[\w.:/-]+", "orders/create")
FOLDER = Words("a folder of the workspace", r"[\w-][\w.-]*(/[\w-][\w.-]*)*/?", "incoming")
FOLDER_INSIDE = Words("the name of a folder", r"[\w-][\w.-]*/?", "done")
_UNPRINTABLE = r"\x00-\x1f\x7f-\x9f\ufffe\uffff"
"""What YAML does not take as it is, as a part of a set of characters."""
STEM = Words("the name of two files", rf"[^{_UNPRINTABLE}]+", "shopify/examples/order-1001")
FILE_NAMES = Words("names of files", rf"[^/\\{_UNPRINTABLE}]+", "orders-*.csv")
WRITTEN_NAME = Words(
    "how files are called", r"[A-Za-z0-9{][A-Za-z0-9._{}-]{0,119}", "prices-{moment}-{part}.csv"
)
WRITTEN_FORMAT = Words("format of files", choices=tuple(WRITTEN))
FORMULAS = Words("way with formulas", choices=("reject", "keep"))
INQUIRY = Words(
    "the name of an inquiry",
    r"[^\s/?#%&'\\$" + _UNPRINTABLE + r"][^/?#%&'\\" + _UNPRINTABLE + "]*",
    "InventoryLevels",
)
COLUMN = Words("a column", r"[A-Za-z_][A-Za-z0-9_]*", "changed_at")
OVERLAP = Words("a duration, or a number", r"\d+(\.\d+)?(ms|s|m|h|d)|\d+", "10m")
READ_ALL = Words("how much is read", choices=("all",))
SHARE_ABOVE = Words("a share", r"> ?\d+(\.\d+)?%", "> 1%")
COUNT_ABOVE = Words("a number", r"> ?\d+", "> 0")
AGE_ABOVE = Words("a time", r"> ?\d+(ms|s|m|h|d)", "> 10m")
ADDRESS_OF_MAIL = Words("an address", r"[\w.!#$%&'*+/=?^`{|}~-]+@[A-Za-z0-9.-]+", "ops@example.com")
LEDGER = Words(
    "the address of a ledger",
    r"(sqlite:///|postgresql(\+psycopg)?://)[!-~]+",
    "postgresql+psycopg://mapgen@db/mapgen",
    is_secret=True,
)
DECIMAL = Words("a number", r"\d+(\.\d+)?", "0.01")
DELIMITER = Words("one character", r"[\t !#-/:-@\[-^`{-~]", ";")
FLAG = Words("mark", choices=("true",))
OPERATION = Words("operation", choices=tuple(OPERATIONS))
REQUEST = Words(
    "a request", r"(POST|PUT|PATCH) /[!-~]*", "POST /orders/{order_id}/fulfillments.json"
)
LOOK_UP = Words("a look-up", r"GET /[!-~]*", "GET /orders/{order_id}/fulfillments.json")
LIST_PATH = Words("a path", r"/[!-~]*", "/admin/api/2026-10/orders.json")
QUERY_PARAMETER = Words("the name of a parameter", r"[A-Za-z_$][\w.$\[\]-]*", "updated_at_min")
LINK = Words("how pages follow", choices=("link",))
# The names of members that APIs have; one with a dot or a bracket in it is in backquotes.
_STEP = r"([!-\-/-Z\\^_a-~]+|`([ -_a-~]|``)*`)"
MEMBER_PATH = Words("the path of a member", rf"{_STEP}(\.{_STEP})*", "data.items")
HEADER = Words("the name of a header", r"[A-Za-z][A-Za-z0-9-]*", "Idempotency-Key")
DOCUMENT_NAME = Words("a name", r"[A-Z][A-Za-z0-9]*", "Fulfillment")
SETTING_TYPE = Words(
    "type of a setting", choices=("string", "int", "decimal", "bool", "date", "timezone")
)
CUSTOM_TYPE = Words(
    "type of a custom field",
    choices=("string", "int", "decimal", "bool", "date", "timestamp"),
)
VALUE_TYPE = Words(
    "type of a value",
    choices=("string", "int", "decimal", "bool", "date", "timestamp", "list", "object"),
)
COLUMN_TYPE = Words("type of a column", r"(string|int|decimal|bool|date|timestamp)\??", "decimal?")
CUSTOM_FIELD = Words("a custom field", r"[A-Za-z_]\w*\.[A-Za-z_]\w*", "Document.UsrX")
LONG_TEXT = Words("way with long text", choices=("reject", "truncate"))
ROUNDING = Words("rounding", choices=("half_up", "half_even", "up", "down"))
MISS = Words("way with a miss", choices=("reject", "retry", "omit"))
EMPTY = Words("way with an empty list", choices=("omit", "send"))
REMOVED_ROWS = Words("way with removed rows", r"keep|delete|zero [A-Za-z]\w*", "zero OrderQty")
BRANCH = Words("a branch, or a setting", r"[!-~]([ -~]*[!-~])?", "settings.branch")
SEVERITY = Words("severity", choices=("reject", "warn"))
MISSING_RECORD = Words("way with a missing record", choices=("reject", "retry", "omit"))
TAKES = Words("number of records", choices=("one", "many"))
JOINED_FILE = Words("file of a join", choices=("input",))
FORMAT = Words("format", choices=tuple(FORMATS))
DECIMAL_SIGN = Words("decimal sign", choices=(",", "."))
THOUSANDS_SIGN = Words("sign between thousands", choices=(".", ",", " ", "'"))
ENCODING = Words("an encoding", r"[A-Za-z][A-Za-z0-9 ._:-]*", "windows-1252")
SHORT_ROWS = Words("way with short rows", choices=("reject", "fill"))
QUOTING = Words("quoting", choices=("double", "none"))
RIGHT = Words("right", choices=("read", "insert", "update", "delete", "act"))
MODE = Words("mode", choices=("direct", "queued", "batch"))
DATA_CLASS = Words("class of data", choices=("personal", "confidential"))
VERIFY = Words("verify", choices=("strict", "warn", "off"))
VARIABLE = Words("a variable's name", r"[A-Z][A-Z0-9_]*", "ACUMATICA_URL")
MEMBERS = ListOf(Words("a member name"), or_single=True)
TARGET_FIELDS = ListOf(Words("a target field"), or_single=True, least=1)
