"""The files of an invented endpoint, and the folder of the real ones where it is present."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from .invented import OVERLAY, openapi_3

SHARED = Path(os.environ.get("MAPGEN_SHARED", Path(__file__).resolve().parents[3] / "shared"))
CONTRACTS = SHARED / "acumatica" / "contracts"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with the invented endpoint, its key file, its metadata and an overlay."""
    (tmp_path / "shop.json").write_text(json.dumps(openapi_3()))
    (tmp_path / "keys.json").write_text('{"Order": ["OrderNbr", "OrderType"], "Gone": ["Id"]}')
    metadata = {
        "Order": {
            "fields": {
                "OrderType": {"type": "StringValue", "sql": "char(2)"},
                "OrderNbr": {"type": "StringValue", "sql": "nvarchar(15)", "label": "Order Nbr."},
                "Total": {"type": "StringValue", "sql": "nvarchar(9)"},
            }
        }
    }
    (tmp_path / "metadata.json").write_text(json.dumps(metadata))
    (tmp_path / "overlay.yaml").write_text(OVERLAY)
    return tmp_path


@pytest.fixture
def contracts() -> Path:
    """The folder of the real endpoints; the test is skipped where it is absent."""
    if not CONTRACTS.is_dir():
        pytest.skip(f"the real OpenAPI documents are not here: no folder {CONTRACTS.name}")
    return CONTRACTS
