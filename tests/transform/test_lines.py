"""Lines of JSON that a terminal may show."""

from __future__ import annotations

import io
import json

from hypothesis import example, given
from hypothesis import strategies as st

from mapgen.runtime.events import BusinessEvent, JsonLog
from mapgen.runtime.lines import reject_line
from mapgen.runtime.outcome import ErrorReport, Origin, Rejected, Skipped

texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(texts)
@example('\x1b[31m\x9b2J\u202e\u2028\x7f\x00"\\ \U000e0001😀')
def test_what_a_terminal_would_obey_is_escaped(text: str) -> None:
    """A line is one line of what is shown as it is; read back, the values are what they were."""
    origin = Origin("a.jsonl", 1, 1, text)
    error = ErrorReport("R102", "no number", value=text)
    rejected = reject_line(Rejected(origin, (error,))).decode()
    skipped = reject_line(Skipped(origin, text)).decode()

    log = io.StringIO()
    JsonLog(business=log, technical=None).on_event(BusinessEvent("a", "created", text))
    logged = log.getvalue()

    assert rejected[:-1].isprintable()
    assert logged[:-1].isprintable()
    assert json.loads(logged)["source"] == text
    assert skipped[:-1].isprintable()
    assert json.loads(rejected)["faults"][0]["value"] == text
    assert json.loads(skipped)["reason"] == json.loads(skipped)["source"]["key"] == text
