"""Many flows: copies of the shipped specs under other names, in a workspace of their own."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from tests.bench.product import ROOT
from tests.bench.rounds import process, took

MAPGEN = (sys.executable, "-m", "mapgen")
_FLOW = re.compile(r"^flow: (\w+)$", re.MULTILINE)
# The value of an identity up to its end, which a quotation mark or a brace may follow.
_IDENTITY = re.compile(r'(identity:\s+\{?field: \w+,?\s+value: [^\n}]*?)("?\}?\n)')


def specs() -> dict[str, Path]:
    """Return the shipped specs by the names of their flows."""
    found = {}
    for path in sorted((ROOT / "specs").rglob("*.maps.yaml")):
        flow = _FLOW.search(path.read_text(encoding="utf-8"))
        assert flow is not None, path
        found[flow[1]] = path
    return found


@contextmanager
def workspace(count: int) -> Iterator[Path]:
    """Give a workspace of so many flows: the shipped specs in turn, again and again."""
    shipped = specs()
    names = re.compile(rf"\b({'|'.join(shipped)})\b")
    with TemporaryDirectory(prefix="bench") as folder:
        root = Path(folder)
        shutil.copytree(ROOT / "specs", root / "specs", ignore=_is_spec)
        environment = root / "specs" / "environments" / "local.yaml"
        head, _, settings = environment.read_text(encoding="utf-8").partition("settings:\n")
        sections = []
        for start in range(0, count, len(shipped)):
            number = f"{start // len(shipped):03}"
            sections.append(names.sub(rf"\1_{number}", settings))
            for flow, path in list(shipped.items())[: count - start]:
                copy = root / "specs" / "copies" / f"{flow}_{number}.maps.yaml"
                copy.parent.mkdir(exist_ok=True)
                # No two flows may make the same document.
                apart = _IDENTITY.sub(rf"\1 + '-{number}'\2", path.read_text(encoding="utf-8"))
                copy.write_text(names.sub(rf"\1_{number}", apart), encoding="utf-8")
        _drop_parts_of_others(root / "specs")
        environment.write_text(f"{head}settings:\n{''.join(sections)}", encoding="utf-8")
        yield root


def _drop_parts_of_others(folder: Path) -> None:
    """Remove the files of parts that no spec of the workspace names: they are errors (E728)."""
    texts = [path.read_text(encoding="utf-8") for path in folder.rglob("*.maps.yaml")]
    for path in (folder / "parts").glob("*.parts.yaml"):
        if not any(f"parts/{path.name}" in text for text in texts):
            path.unlink()


def _is_spec(_folder: str, names: list[str]) -> list[str]:
    return [name for name in names if name.endswith(".maps.yaml")]


def compile_seconds(count: int, rounds: int) -> tuple[float, float, float]:
    """Return the CPU seconds of so many flows: cold, once more unchanged, and `--check`.

    The last two are those of the middle of so many rounds: they are short, and a line through them
    to many more flows is long.
    """
    with workspace(count) as root:
        generate = process(*MAPGEN, "generate", cwd=str(root))
        check = process(*MAPGEN, "generate", "--check", cwd=str(root))
        cold = took(generate)
        unchanged, checked = ([took(work) for _ in range(rounds)] for work in (generate, check))
        return cold, median(unchanged), median(checked)
