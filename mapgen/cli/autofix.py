"""`check --fix`: fixes are printed and written, or only the difference is shown."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from mapgen.cli.output import piped, say

if TYPE_CHECKING:
    from mapgen.disk.workspace import Workspace
    from mapgen.project.autofix import Fixed
    from mapgen.project.checking import Findings


def fixed(
    workspace: Workspace, paths: Iterable[str], *, only_diff: bool, is_text: bool
) -> Findings:
    """Fix the specs and report it; return what is left. With `only_diff` nothing is written.

    Raises Stopped (E510) for a file that cannot be written.
    """
    from mapgen.project.autofix import autofix

    result = autofix(workspace, paths)
    if only_diff:
        piped("".join(_difference(result)), nl=False, err=not is_text)
        return result.findings
    for path in sorted(result.before):
        workspace.rewrite(path, result.before[path], result.after[path])
    for change in result.changes:
        say(str(change), err=not is_text)
    count = len(result.changes)
    say(f"{count or 'no'} change{'s' * (count != 1)} made", err=not is_text)
    if result.refused:
        fixes = f"{result.refused} fix{'es' * (result.refused != 1)}"
        say(f"{fixes} not made: something else would be wrong then", err=not is_text)
    return result.findings


def _difference(result: Fixed) -> Iterator[str]:
    """Yield the lines of a unified difference, as `patch` and `git apply` take it."""
    for path in sorted(result.before):
        old, new = (_lines(text[path]) for text in (result.before, result.after))
        for line in difflib.unified_diff(old, new, f"a/{path}", f"b/{path}"):
            yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _lines(text: str) -> list[str]:
    return [line for line in re.split(r"(?<=\n)", text) if line]
