"""`mapgen transform` from the outside: what it writes, what it says, how it ends."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import MAPGEN, ROOT, SAMPLES, environment, mapgen

SHARED = Path(os.environ.get("MAPGEN_SHARED", ROOT.parent / "shared"))
REAL = SHARED / "sources" / "shopify"
ORDERS = SAMPLES / "orders.jsonl"
FLOW = "shopify_orders"


def read_lines(path: Path) -> list[Any]:
    return [json.loads(line, parse_float=Decimal) for line in path.read_text("utf-8").splitlines()]


def first_orders(count: int) -> list[str]:
    return ORDERS.read_text(encoding="utf-8").splitlines()[:count]


def transform(workspace: Path, source: Path | str, *more: str | Path, **how: Any) -> Any:
    arguments = ("transform", FLOW, "--input", source, *more)
    return mapgen(*arguments, cwd=workspace, **how)


def test_the_sample_shop(workspace: Path) -> None:
    """Each record of the samples is in one of the two files, in the form that is promised."""
    done = transform(workspace, ORDERS, "--output", "o.jsonl", "--rejects", "r.jsonl")

    assert (workspace / "r.jsonl").stat().st_mode & 0o777 == 0o600
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == "225 records: 189 transformed, 15 skipped, 21 rejected\n"
    documents, rejects = read_lines(workspace / "o.jsonl"), read_lines(workspace / "r.jsonl")
    for line in documents:
        assert set(line) == {"source", "entity", "document"}
        assert line["entity"] == "SalesOrder"
        assert line["document"]["OrderType"] == {"value": "SO"}
    for line in rejects:
        assert set(line["source"]) <= {"file", "record", "line", "key"}
        if line["outcome"] == "skipped":
            assert set(line) == {"source", "outcome", "reason"}
        else:
            assert set(line) == {"source", "outcome", "faults"}
            for error in line["faults"]:
                members = "code target source_path value message spec retry"
                assert set(error) == set(members.split())
    outcomes = [line["outcome"] for line in rejects]
    assert (outcomes.count("skipped"), outcomes.count("rejected")) == (15, 21)
    numbers = sorted(line["source"]["record"] for line in documents + rejects)
    assert numbers == list(range(1, 226))


def test_all_errors_of_a_record(workspace: Path) -> None:
    """A record with three errors has them in one line, each with its place."""
    transform(workspace, ORDERS, "--output", "o.jsonl", "--rejects", "r.jsonl")

    [line] = [
        one for one in read_lines(workspace / "r.jsonl") if one["source"].get("key") == "#1281"
    ]

    assert [error["code"] for error in line["faults"]] == ["R301", "R201", "R201"]
    for error in line["faults"]:
        use, _, part = error["spec"].removesuffix(")").partition(" (")
        assert use.startswith("specs/shopify/orders.maps.yaml:")
        path, row, _ = (part or use).split(":")
        spec = (workspace / path).read_text(encoding="utf-8").splitlines()
        assert error["target"].rpartition(".")[2] in spec[int(row) - 1]


def test_fine_records(workspace: Path) -> None:
    """Where no record is rejected the exit code is 0; documents go to standard output."""
    (workspace / "two.jsonl").write_text("\n".join(first_orders(2)), encoding="utf-8")

    done = transform(workspace, "two.jsonl")

    assert done.returncode == 0
    assert [json.loads(line)["source"]["record"] for line in done.stdout.splitlines()] == [1, 2]
    assert done.stderr == "2 records: 2 transformed, 0 skipped, 0 rejected\n"


def test_standard_input(workspace: Path) -> None:
    """`--input -` reads records from standard input, lines or a list."""
    lines = first_orders(3)
    for given in ("\n".join(lines), f"[{','.join(lines)}]"):
        done = transform(workspace, "-", given=given.encode())

        assert done.returncode == 0
        assert json.loads(done.stdout.splitlines()[0])["source"]["file"] == "standard input"
        assert "3 records: 2 transformed, 1 skipped" in done.stderr


def test_same_bytes_twice(workspace: Path) -> None:
    """The same input gives the same bytes."""
    transform(workspace, ORDERS, "--output", "a", "--rejects", "b")
    transform(workspace, ORDERS, "--output", "c", "--rejects", "d")

    assert (workspace / "a").read_bytes() == (workspace / "c").read_bytes()
    assert (workspace / "b").read_bytes() == (workspace / "d").read_bytes()


@pytest.mark.skipif(not REAL.is_dir(), reason="the shops' own examples are not here")
def test_real_order(workspace: Path) -> None:
    """The shop's own example of an order is rejected for its totals."""
    done = transform(workspace, REAL / "order.json", "--rejects", "r.jsonl")

    assert done.returncode == 1
    [line] = read_lines(workspace / "r.jsonl")
    assert "order total" in [error["target"] for error in line["faults"]]


@pytest.mark.skipif(not REAL.is_dir(), reason="the shops' own examples are not here")
def test_real_orders(workspace: Path) -> None:
    """Each rejection of the shop's own list of orders says where."""
    transform(workspace, REAL / "orders.json", "--output", "o.jsonl", "--rejects", "r.jsonl")

    rejects = read_lines(workspace / "r.jsonl")
    assert len(rejects) + len(read_lines(workspace / "o.jsonl")) > 0
    for line in rejects:
        for error in line.get("faults", []):
            assert error["source_path"]
            assert error["message"]
            assert error["spec"]


REFUSED = [
    pytest.param("none.jsonl", "does not exist", id="missing"),
    pytest.param("specs", "is a directory", id="folder"),
    pytest.param("orders.csv", "not of the format", id="CSV"),
    pytest.param("x" * 300, "file name too long", id="name too long"),
]


@pytest.mark.parametrize(("source", "reason"), REFUSED)
def test_input_that_cannot_be_read(workspace: Path, source: str, reason: str) -> None:
    """An input that cannot be read is named, with the reason and a next step."""
    (workspace / "orders.csv").write_text("id\n1\n", encoding="utf-8")

    done = transform(workspace, source)

    assert done.returncode == 1
    assert reason in done.stderr
    assert "help: " in done.stderr


@pytest.mark.parametrize("text", ["", "\n \n", "[]", '{"orders": []}'])
def test_no_record(workspace: Path, text: str) -> None:
    """An input without a record is a normal one."""
    (workspace / "none.json").write_text(text, encoding="utf-8")

    done = transform(workspace, "none.json")

    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.skipif(os.getuid() == 0, reason="nothing is forbidden to root")
def test_forbidden_files(workspace: Path) -> None:
    """A file that may not be read or written is named with the reason."""
    (workspace / "secret.jsonl").touch(mode=0o000)
    (workspace / "closed").mkdir(mode=0o500)

    for arguments in (("secret.jsonl",), (ORDERS, "--output", "closed/o.jsonl")):
        done = transform(workspace, *arguments)

        assert done.returncode == 1
        assert "permission denied" in done.stderr


@pytest.mark.parametrize("target", ["--output", "--rejects"])
@pytest.mark.parametrize(
    ("path", "reason"),
    [
        pytest.param("none/o.jsonl", "no such file or directory", id="no folder"),
        pytest.param("specs", "is a directory", id="folder"),
        pytest.param("/dev/full", "no space left on device", id="disk full"),
    ],
)
def test_output_that_cannot_be_written(
    workspace: Path, target: str, path: str, reason: str
) -> None:
    """A file that cannot be written is named with the reason."""
    if path == "/dev/full" and not Path(path).exists():
        pytest.skip("no device that is always full")

    done = transform(workspace, ORDERS, target, path)

    assert done.returncode == 1
    assert f"`{path}` cannot be written: {reason}" in done.stderr


@pytest.mark.parametrize(
    ("output", "rejects", "message"),
    [
        ("in.jsonl", "r.jsonl", "--input and --output name the same file"),
        ("link.jsonl", "r.jsonl", "--input and --output name the same file"),
        ("o.jsonl", "./in.jsonl", "--input and --rejects name the same file"),
        ("o.jsonl", "o.jsonl", "--output and --rejects name the same file"),
    ],
)
def test_one_file_for_two(workspace: Path, output: str, rejects: str, message: str) -> None:
    """No file is written over another that is still needed."""
    before = "\n".join(first_orders(2))
    (workspace / "in.jsonl").write_text(before, encoding="utf-8")
    (workspace / "link.jsonl").symlink_to(workspace / "in.jsonl")

    done = transform(workspace, "in.jsonl", "--output", output, "--rejects", rejects)

    assert done.returncode == 2
    assert message in done.stderr
    assert (workspace / "in.jsonl").read_text(encoding="utf-8") == before


def test_one_device_for_two(workspace: Path) -> None:
    """The null device may take both."""
    done = transform(workspace, ORDERS, "--output", "/dev/null", "--rejects", "/dev/null")

    assert done.returncode == 1
    assert "225 records" in done.stderr


def test_reader_that_has_seen_enough(workspace: Path) -> None:
    """Where the reader of the documents goes away, the command ends silently."""
    child = subprocess.Popen(
        [*MAPGEN, "transform", FLOW, "--input", str(ORDERS), "--rejects", "/dev/null"],
        cwd=workspace,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.read(10)
    child.stdout.close()
    said = child.stderr.read()
    child.wait(timeout=300)

    assert said == b""
    assert child.returncode == 1


def test_truncated_input(workspace: Path) -> None:
    """All whole records of a file that is cut off are transformed; the cut is reported."""
    text = "[" + ",\n".join(first_orders(2))
    (workspace / "cut.json").write_text(text[:-40], encoding="utf-8")

    done = transform(workspace, "cut.json", "--rejects", "r.jsonl")

    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 1
    [line] = read_lines(workspace / "r.jsonl")
    assert line["source"] == {"file": "cut.json", "record": 2, "line": 2}
    assert line["faults"][0]["message"] == (
        "the file ends inside the record: nothing behind its start is read"
    )


@pytest.mark.skipif(os.name != "posix", reason="file names are text here")
def test_name_that_is_no_text(workspace: Path) -> None:
    """An input whose name is not UTF-8 is read, and told with a stand-in for the bytes."""
    name = os.fsdecode(b"orders-\xff.jsonl")
    try:
        (workspace / name).write_text(first_orders(1)[0], encoding="utf-8")
    except OSError:
        pytest.skip("the file system takes no such name")

    done = transform(workspace, name)

    assert done.returncode == 0
    assert json.loads(done.stdout)["source"]["file"] == "orders-\ufffd.jsonl"


@pytest.mark.parametrize(
    ("flow", "code", "words"),
    [
        pytest.param("shopify_order", "E503", "shopify_orders", id="near name"),
        pytest.param("../generated/shopify_orders", "E503", "shopify_orders", id="a path"),
        pytest.param("", "E503", "the flows are", id="no name"),
    ],
)
def test_unknown_flow(workspace: Path, flow: str, code: str, words: str) -> None:
    """A flow that no spec defines is an error that names the near or the known ones."""
    done = mapgen("transform", flow, "--input", ORDERS, cwd=workspace)

    assert done.returncode == 1
    assert code in done.stderr
    assert words in done.stderr


def write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


# What people do to workspaces: a file, and what it holds then (None: it is gone).
CODE, TABLE = f"generated/{FLOW}", "specs/lookups/customers.csv"
LOCAL, SPEC = "specs/environments/local.yaml", "specs/shopify/orders.maps.yaml"
SPOILED: dict[str, tuple[str, Callable[[str], str | bytes | None]]] = {
    "plan missing": (f"{CODE}/flow.json", lambda text: None),
    "transformer missing": (f"{CODE}/transformer.py", lambda text: None),
    "transformer cut off": (
        f"{CODE}/transformer.py",
        lambda text: text[: text.index("class Settings")],
    ),
    "merge marks": (f"{CODE}/transformer.py", lambda text: f"<<<<<<< ours\n{text}"),
    "code edited by hand": (
        f"{CODE}/transformer.py",
        lambda text: f"{text}# mended in place\n",
    ),
    "rule changed": (SPEC, lambda text: text.replace("too_long: truncate", "too_long: reject", 1)),
    "rule broken": (SPEC, lambda text: text.replace("order.currency", "order.curency", 1)),
    "plan cut off": (f"{CODE}/flow.json", lambda text: text[:60]),
    "map of another version": (f"{CODE}/map.json", lambda text: '{"rules": {}}'),
    "table missing": (TABLE, lambda text: None),
    "table without the column": (TABLE, lambda text: "id,name\n1,x\n"),
    "table with a key twice": (TABLE, lambda text: "shopify_id,customer_id\n1,A\n1,B\n"),
    "table that is no text": (TABLE, lambda text: b"shopify_id,\xff\n"),
    "table with an open quote": (TABLE, lambda text: f'{text}7,"A'),
    "row cut off": (TABLE, lambda text: "shopify_id,customer_id\n1\n"),
    "spec broken": (SPEC, lambda text: f"{text}\n  - : [\n"),
    "setting missing": (LOCAL, lambda text: text.replace("    store: kettle-fern\n", "")),
    "zone unknown": (LOCAL, lambda text: text.replace("America/New_York", "America/Nowhere")),
    "zone that is a folder": (LOCAL, lambda text: text.replace("America/New_York", "America")),
    "environment empty": (LOCAL, lambda text: ""),
}


def spoil(workspace: Path, what: str) -> None:
    name, change = SPOILED[what]
    path = workspace / name
    changed = change(path.read_text(encoding="utf-8"))
    if changed is None:
        path.unlink()
    elif isinstance(changed, bytes):
        path.write_bytes(changed)
    else:
        write(path, changed)


@pytest.mark.parametrize(
    ("what", "code", "words"),
    [
        ("plan missing", "E505", "run `mapgen generate`"),
        ("transformer missing", "E505", "run `mapgen generate`"),
        ("transformer cut off", "E519", "transformer.py: it has no `Source`"),
        ("merge marks", "E519", "transformer.py: SyntaxError"),
        ("code edited by hand", "E594", "transformer.py` is not as `mapgen generate` wrote it"),
        ("rule changed", "E594", "of the flow `shopify_orders` is not what its spec says"),
        ("rule broken", "E594", "run `mapgen generate`"),
        ("plan cut off", "E519", "flow.json: "),
        ("map of another version", "E519", "map.json: "),
        ("table missing", "E518", "the lookup `customers` (lookups/customers.csv): it does not"),
        ("table without the column", "E518", "it has no column `shopify_id`"),
        ("table with a key twice", "E518", "line 3 gives `1` a second value"),
        ("table that is no text", "E518", "it is not UTF-8"),
        ("table with an open quote", "E518", "it is not CSV"),
        ("row cut off", "E518", "line 2 has too few columns"),
        ("spec broken", "E105", "orders.maps.yaml"),
        ("setting missing", "E518", "store"),
        ("zone unknown", "E518", "the time zone database has no such name - at `$.order_zone`"),
        ("zone that is a folder", "E518", "the time zone database has no such name"),
        ("environment empty", "E104", "local.yaml"),
    ],
)  # fmt: skip
def test_spoiled_workspace(workspace: Path, what: str, code: str, words: str) -> None:
    """Whatever is wrong with a workspace is reported with its place and the next step."""
    spoil(workspace, what)

    done = transform(workspace, ORDERS)

    assert done.returncode == 1
    assert f"error[{code}]" in done.stderr
    assert words in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        (SPEC, "too_long: reject", "too_long: truncate"),
        ("specs/schemas/shopify-order.schema.json", '"tags"', '"labels"'),
    ],
)
def test_an_old_time_on_an_edited_input(
    workspace: Path, name: str, before: str, after: str
) -> None:
    """What a flow is made from is known by its content: the time of a file says nothing."""
    path = workspace / name
    text = path.read_text(encoding="utf-8")
    assert before in text
    write(path, text.replace(before, after))
    os.utime(path, (0, 0))

    done = transform(workspace, ORDERS)

    assert (done.returncode, "error[E594]" in done.stderr) == (1, True)


def test_a_new_time_on_inputs(workspace: Path) -> None:
    """A fresh checkout has new times everywhere; nothing is compiled, for nothing has changed."""
    for path in (workspace / "specs").rglob("*"):
        os.utime(path)

    assert "225 records" in transform(workspace, ORDERS).stderr


def test_a_comment_in_the_spec(workspace: Path) -> None:
    """What does not change the meaning of a spec does not make its code stale."""
    path = workspace / SPEC
    write(path, f"# of no meaning\n{path.read_text(encoding='utf-8')}")

    assert transform(workspace, ORDERS).stdout != ""


def test_environments(workspace: Path) -> None:
    """Of several environments one has to be named; an unknown one has a near name."""
    folder = workspace / "specs" / "environments"
    text = (folder / "local.yaml").read_text(encoding="utf-8")
    write(folder / "live.yaml", text.replace("environment: local", "environment: live"))

    assert transform(workspace, ORDERS).returncode == 2
    assert "live, local" in transform(workspace, ORDERS).stderr
    done = transform(workspace, ORDERS, "--env", "locl")
    assert (done.returncode, "`local`" in done.stderr) == (1, True)
    assert "225 records" in transform(workspace, ORDERS, "--env", "live").stderr


def test_without_a_tenant(workspace: Path) -> None:
    """The transformation needs no variable of the tenant, and none of the network's modules."""
    program = (
        "import sys\nfrom mapgen.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'httpx2', 'sqlalchemy', 'authlib', 'mapgen.sandbox', 'black', 'hypothesis'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [MAPGEN[0], "-c", program, "transform", FLOW, "--input", str(ORDERS)],
        cwd=workspace,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.splitlines()[-1] == "[]"
