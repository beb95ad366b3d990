"""What the tests of the sandbox share: the pinned contract and a signed-in caller."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest

from mapgen.contract.lock import load
from mapgen.contract.model import Contract
from mapgen.sandbox import Sandbox, serve
from tests.ends import ended_aside

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "specs" / "contracts" / "default-24.200.001.json"

SEED = {
    "Customer": [
        {
            "CustomerID": "C000101",
            "CustomerName": "Blue Door Bakery",
            "CurrencyID": "USD",
            "ShipVia": "GROUND",
            "Terms": "NET30",
            "MainContact": {
                "Attention": "Ada Poole",
                "CompanyName": "Blue Door Bakery",
                "Email": "ada@bluedoor.example",
                "Phone1": "555-0101",
                "Address": {
                    "AddressLine1": "12 Mill Lane",
                    "AddressLine2": "Back yard",
                    "City": "Springfield",
                    "State": "IL",
                    "PostalCode": "62701",
                    "Country": "US",
                },
            },
        },
        {"CustomerID": "GUEST", "CustomerName": "Web shop guests"},
    ],
    "StockItem": [
        {"InventoryID": "MUG", "Description": "Mug, blue", "SalesUOM": "EA"},
        {"InventoryID": "LAMP", "Description": "Lamp", "DefaultPrice": 80},
    ],
    "Tax": [{"TaxID": "STATE"}, {"TaxID": "COUNTY"}],
    "ShipVia": [{"CarrierID": "GROUND"}],
    "Country": [{"CountryID": "US", "States": ["IL", "NY"]}, {"CountryID": "FR"}],
}


class Caller:
    """A client of one tenant that speaks in plain values and hears JSON with exact numbers."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        contract = sandbox.tenant.contract
        self.root = f"/entity/{contract.endpoint}/{contract.version}"
        self.http = httpx2.Client(base_url=sandbox.url, timeout=30)

    def sign_in(self, scope: str = "api offline_access") -> dict[str, Any]:
        answer = self.http.post("/identity/connect/token", data=self.form(scope=scope))
        assert answer.status_code == 200, answer.text
        self.http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return answer.json()

    def form(self, **changes: str) -> dict[str, str]:
        told = self.sandbox.credentials
        return {
            "grant_type": "password",
            "client_id": told.client_id,
            "client_secret": told.client_secret,
            "username": told.username,
            "password": told.password,
            "scope": "api offline_access",
        } | changes

    def call(self, method: str, path: str, body: object = None, **options: Any) -> tuple[int, Any]:
        """Return the status and the JSON of an answer."""
        if body is not None:
            options["content"] = body if isinstance(body, bytes) else json.dumps(body)
        answer = self.http.request(method, f"{self.root}/{path}", **options)
        return answer.status_code, parsed(answer.text)

    def put(self, entity: str, body: object, **params: str) -> Any:
        status, answer = self.call("PUT", entity, wrapped(body), params=params)
        assert status == 200, answer
        return answer

    def get(self, path: str, **params: str) -> Any:
        status, answer = self.call("GET", path, params={f"${k}": v for k, v in params.items()})
        assert status == 200, answer
        return answer

    def error(self, path: str, **params: str) -> str:
        """Return the exception message of a GET that fails."""
        status, answer = self.call("GET", path, params={f"${k}": v for k, v in params.items()})
        assert status == 500, answer
        return str(answer["exceptionMessage"])


def parsed(text: str) -> Any:
    return json.loads(text, parse_float=Decimal) if text[:1] in ("{", "[") else text


def wrapped(body: object) -> object:
    """Wrap plain values as the API does; what is an object or a list is gone through."""
    if isinstance(body, dict):
        bare = ("id", "delete", "custom", "rowNumber")
        return {name: part if name in bare else wrapped(part) for name, part in body.items()}
    if isinstance(body, list):
        return [wrapped(part) for part in body]
    return {"value": body}


def values(answer: Any) -> Any:
    """Unwrap an answer: `{"value": x}` is x, `{}` is None."""
    if isinstance(answer, list):
        return [values(part) for part in answer]
    if not isinstance(answer, dict):
        return answer
    if set(answer) <= {"value", "error"}:
        return answer.get("value")
    return {name: values(part) for name, part in answer.items()}


@pytest.fixture(scope="session")
def contract() -> Contract:
    return load(LOCK)


@pytest.fixture
def start(contract: Contract) -> Iterator[Callable[..., Caller]]:
    """Start tenants with these settings; each gives a caller that has signed in."""
    with ExitStack() as stack:

        def started(*, signed_in: bool = True, **options: Any) -> Caller:
            options.setdefault("seed", SEED)
            caller = Caller(stack.enter_context(ended_aside(serve(contract, **options))))
            stack.callback(caller.http.close)
            if signed_in:
                caller.sign_in()
            return caller

        yield started


@pytest.fixture
def caller(start: Callable[..., Caller]) -> Caller:
    return start()
