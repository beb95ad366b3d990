"""The cookbook's overlay: checked over the shipped flow that it extends."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from mapgen.disk.workspace import Workspace
from mapgen.project.bases import rebased
from mapgen.project.checking import check_specs

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "cookbook.md").read_text(encoding="utf-8")
SPEC = "specs/clients/acme/orders.maps.yaml"


def test_one_standard_flow(tmp_path: Path) -> None:
    """The flow of the page is right once it has the hash, which the command writes."""
    found = re.search(r"^## One standard flow.*?^```yaml\n(.*?)^```", PAGE, re.M | re.S)
    assert found is not None
    shutil.copytree(ROOT / "specs", tmp_path / "specs")
    path = tmp_path / SPEC
    path.parent.mkdir(parents=True)
    path.write_text(found[1].replace("HASH", 64 * "a"), encoding="utf-8")
    (path.parent / "order-1001.json").write_text("{}", encoding="utf-8")
    environment = tmp_path / "specs/environments/local.yaml"
    text = environment.read_text("utf-8")
    values = re.search(r"^  shopify_orders:\n((?:    .*\n)+)", text, re.M)
    assert values is not None
    environment.write_text(f"{text}  acme_orders:\n{values[1]}", encoding="utf-8")
    workspace = Workspace.find(tmp_path)
    assert [diagnostic.code for diagnostic in check_specs(workspace, [SPEC]).diagnostics] == [
        "E716"
    ]

    (one,) = rebased(workspace, ["acme_orders"])
    workspace.rewrite(one.path, one.before, one.after)

    (flow,) = check_specs(workspace, [SPEC]).flows
    assert not check_specs(workspace, [SPEC, "specs/shopify/orders.maps.yaml"]).diagnostics
    fields = {member.target for member in flow.flow.documents[0].part.members}
    assert "Description" not in fields
    assert [change.path for change in flow.flow.changes][1] == (
        "mapping.fields.Details.fields.WarehouseID"
    )
