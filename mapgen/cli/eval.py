"""`eval`: evaluates one expression, or many, a line each."""

from __future__ import annotations

import sys
from codecs import BOM_UTF8
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from mapgen.cli import FAULTS
from mapgen.cli.options import FILE, lookup_option
from mapgen.cli.output import piped, say

if TYPE_CHECKING:
    from mapgen.project.evaluation import Evaluated
    from mapgen.runtime.sources.records import JsonValue, RawRecord


@click.command("eval")
@click.argument("expression", required=False)
@click.option("--data", type=FILE, help="A JSON object: names and values.")
@click.option("--jsonl", type=FILE, help="Many, a line each; - is stdin.")
@click.option("--flow", help="The flow whose names the expression may use.")
@click.option("--record", type=FILE, help="A record of it; the first counts.")
@click.option("--env", help="The environment whose settings hold; needed if there are several.")
@click.option("--rule", help="Only this rule: a target field, as in Details.UnitPrice.")
@lookup_option
@click.pass_obj
def eval_(  # noqa: PLR0913 - one parameter an option
    project: Path,
    expression: str | None,
    data: Path | None,
    jsonl: Path | None,
    flow: str | None,
    record: Path | None,
    env: str | None,
    rule: str | None,
    lookups: tuple[tuple[str, Path], ...],
) -> None:
    """Evaluate an EXPRESSION as a rule would.

    The names that it may use, and their types, come from --data, or from a flow: its record, its
    settings, its lookups (with the spec's samples for what a run asks for) and its lets. Of a flow
    without EXPRESSION all lets and rules are shown, each step with its value; inside rows it is the
    first one's. Nothing is masked: it is your terminal.

    With --jsonl each line is {"expr", "types": {name: type}, "bindings": {name: value}}, and each
    line of output {"value", "type"} or {"error"}. Exit code 1 if one has an error.
    """
    if flow is not None:
        from mapgen.cli.eval_flow import Asked, show_flow

        if record is None or data is not None or jsonl is not None:
            raise click.UsageError("`--flow` goes with `--record`, and with no other data")
        sys.exit(show_flow(project, Asked(flow, record, env, dict(lookups), expression, rule)))
    if record is not None or rule is not None or env is not None or lookups:
        raise click.UsageError("`--record`, `--rule`, `--env` and `--lookup` go with `--flow`")
    if (expression is None) == (jsonl is None):
        raise click.UsageError("give an expression, or a file with --jsonl")
    if jsonl is not None and data is not None:
        raise click.UsageError(
            "--data goes with one expression; lines have `bindings` of their own"
        )
    if jsonl is not None:
        sys.exit(_many(jsonl))
    _one(expression or "", data)


def _one(expression: str, data: Path | None) -> None:
    from mapgen.project.evaluation import NotThatType, evaluate, type_of
    from mapgen.report import Text
    from mapgen.runtime.errors import RuleError
    from mapgen.runtime.values import ENCODER

    values = {} if data is None else _object(data)
    try:
        kinds = {name: type_of(value, name) for name, value in values.items()}
        found = evaluate(Text.plain(expression), kinds, values)
    except NotThatType as wrong:
        raise click.ClickException(str(wrong)) from None
    except RuleError as error:
        raise click.ClickException(f"{error.code}: {error.message}") from None
    piped(ENCODER.encode(found.value).decode())
    say(f"type: {found.type}", err=True)


def _object(path: Path) -> dict[str, JsonValue]:
    from mapgen.runtime.errors import RuleError
    from mapgen.runtime.sources.records import RawRecord, decode_whole

    try:
        value = decode_whole(RawRecord(1, 1, path.read_bytes().removeprefix(BOM_UTF8)))
    except OSError as error:
        raise click.ClickException(f"cannot read `{path}`: {error.strerror}") from None
    except RuleError as found:
        raise click.ClickException(f"`{path}`: {found.message}") from None
    if not isinstance(value, dict):
        raise click.ClickException(f"`{path}` is no JSON object; give names and values")
    return value


def _many(path: Path) -> int:
    if str(path) == "-":
        return _print_lines(sys.stdin.buffer)
    try:
        stream = path.open("rb")
    except OSError as error:
        raise click.ClickException(f"cannot read `{path}`: {error.strerror}") from None
    with stream:
        return _print_lines(stream)


def _print_lines(stream: BinaryIO) -> int:
    """Print what each line comes to; return the exit code."""
    from mapgen.runtime.sources.records import read_records
    from mapgen.runtime.values import ENCODER

    code = 0
    for raw in read_records(stream, "lines.jsonl"):
        found = _line(raw)
        code = FAULTS if isinstance(found, str) else code
        line = {"error": found} if isinstance(found, str) else _shown(found)
        piped(ENCODER.encode(line).decode())
    return code


def _shown(found: Evaluated) -> dict[str, JsonValue]:
    return {"value": found.value, "type": found.type}


def _line(raw: RawRecord) -> Evaluated | str:
    """Return what a line comes to, or why it comes to nothing."""
    from mapgen.project.evaluation import NotThatType, evaluate, read_types
    from mapgen.report import Stopped, Text
    from mapgen.runtime.errors import RuleError
    from mapgen.runtime.sources.records import decode_whole

    try:
        match decode_whole(raw):
            case {"expr": str() as words, **rest}:
                names, values = rest.get("types", {}), rest.get("bindings", {})
                if not isinstance(names, dict) or not isinstance(values, dict):
                    return "`types` and `bindings` are objects"
                kinds = read_types(names)
                untyped = [name for name in values if name not in kinds]
                if untyped:
                    return f"`bindings` has `{untyped[0]}`, which `types` has not"
                return evaluate(Text.plain(words), kinds, values)
            case _:
                return 'a line is {"expr", "types", "bindings"}'
    except Stopped as stopped:
        return "; ".join(f"{error.code}: {error.message}" for error in stopped.diagnostics)
    except RuleError as error:
        return f"{error.code}: {error.message}"
    except NotThatType as wrong:
        return str(wrong)
