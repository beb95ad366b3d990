"""The console over real sockets, and in a real browser where there is one."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from mapgen.disk.workspace import Workspace
from mapgen.project.binding import bound_in, loaded
from mapgen.project.leads import environment_of_run
from mapgen.project.named import named_environment
from mapgen.runtime.delivery.remote import RemoteTables
from mapgen.runtime.draining import Drain
from mapgen.runtime.events import Observer
from mapgen.runtime.ledger import Began, Ledger, book_of
from mapgen.runtime.ledger.alerts import Alerts, Measured
from mapgen.runtime.ledger.reports import Choice, Reports
from mapgen.runtime.outcome import ErrorReport, Origin, Rejected
from mapgen.service.console import Console, Gate, SignIn
from mapgen.service.flows import ServedFlow
from mapgen.service.history import History
from mapgen.service.replaying import Replayer
from tests.cli.conftest import ROOT
from tests.runtime_delivery.orders import order
from tests.runtime_delivery.test_reports import delivered
from tests.service.test_roster import VARIABLES, until

BOOK = book_of("orders", "Live", "https://erp.example.com")
NASTY = "<script>document.title='owned'</script>\"'><img src=x onerror=alert(1)>\x1b[31m"
HOSTILE = book_of(NASTY, NASTY, "https://erp.example.com")
TOKEN = "a long token of this test"
CHROMIUM = Path("/usr/bin/chromium")
PAGES = ("", "failures", "records", "record", "runs", "alerts")


@pytest.fixture(scope="module")
def flow() -> Iterator[ServedFlow]:
    """A flow of this workspace, bound; nothing answers where its tenant is."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in VARIABLES.items():
            patch.setenv(name, value)
        workspace, remote = Workspace.find(ROOT), RemoteTables()
        environment = named_environment(workspace, "local")
        orders = loaded(workspace, "shopify_orders")
        bound = bound_in(workspace, orders, environment, remote.table, {})
        where = environment_of_run(workspace, environment, orders.plan, is_fed=True)
        yield ServedFlow(bound, where, remote)


def rejected(number: int, words: str = "items") -> Rejected:
    message = f"the lookup `{words}` does not know the key"
    error = ErrorReport("R304", message, "Details[0].InventoryID", value="***", spec="a.yaml:9:3")
    copy = b'{"id": 1, "name": "#%d"}' % number
    return Rejected(Origin("in.jsonl", number, number, f"#{number}"), (error,), copy)


@contextmanager
def console(path: Path, flow: ServedFlow) -> Iterator[tuple[str, Ledger]]:
    """Serve a console over a ledger with a bit of everything; yield its address."""
    with Ledger(f"sqlite:///{path / 'ledger.db'}") as ledger:
        for book, run in ((BOOK, "a"), (HOSTILE, "b"), (flow.book, "c")):
            ledger.begin(Began(run, book, "1.0", NASTY, "live", NASTY))
        delivered(ledger, order(9))
        ledger.stage(flow.book, "c", [rejected(1), rejected(2)], rules="abc")
        ledger.stage(HOSTILE, "b", [rejected(3, NASTY)], rules="abc")
        Alerts(ledger).note([Measured(BOOK, "dead_letters", "> 0", 2, is_firing=True)], 60)
        drain, history = Drain(), History()
        history.note(time.time(), {"orders": 2})
        hands = Replayer([flow], ledger, Observer(), lambda one: one.source == "#1", drain)
        pages = Console(ledger, SignIn(TOKEN), hands, history).routes()
        app = Starlette(routes=[Mount("/console", Gate(Starlette(routes=pages)))])
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        try:
            yield f"http://127.0.0.1:{port}/console/", ledger
        finally:
            server.should_exit = True
            thread.join()


def signed_in(url: str) -> httpx2.Client:
    browser = httpx2.Client(base_url=url, headers={"Origin": url.removesuffix("/console/")})
    answer = browser.post("sign-in", data={"token": TOKEN})
    assert answer.status_code == 303
    assert {"HttpOnly", "SameSite=strict"} <= set(answer.headers["set-cookie"].split("; "))
    return browser


def form_token(browser: httpx2.Client, page: str = "failures") -> str:
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', browser.get(page).text)
    assert found is not None
    return found[1]


def test_pages_hold_nothing_hostile(tmp_path: Path, flow: ServedFlow) -> None:
    """Each page answers under a strict policy, with names escaped and without forms to act by."""
    with console(tmp_path, flow) as (url, _):
        answers = [httpx2.get(f"{url}{page}") for page in PAGES]
        story = httpx2.get(f"{url}record", params={"flow": "shopify_orders", "key": "#1"})
        sent = httpx2.get(f"{url}record", params={"flow": "orders", "key": "#9"})
        unknown = httpx2.get(f"{url}record", params={"flow": "orders", "key": NASTY})
    for answer in (*answers, story, unknown):
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "<script>document" not in answer.text
        assert "<img" not in answer.text
        assert "\x1b" not in re.sub(r' value="[^"]*"', "", answer.text)
        assert not re.search(
            r"<script(?! src)|<style| style=| on[a-z]+=\"|action=\"discard", answer.text
        )
    assert [one.status_code for one in answers] == [200] * len(PAGES)
    assert (story.status_code, unknown.status_code) == (200, 404)
    assert "a.yaml:9:3" in story.text
    assert "SO1" in sent.text or sent.status_code == 404
    assert "orders" in answers[0].text


def test_tenants_of_one_name(tmp_path: Path, flow: ServedFlow) -> None:
    """They are told apart by their addresses, which others need not show."""
    with console(tmp_path, flow) as (url, ledger):
        for run, place in (("d", "http://one"), ("e", "http://two")):
            ledger.begin(Began(run, book_of("stock", "Test", place), "1.0", "abc", "live", None))
        page = httpx2.get(url).text

    assert re.findall(r'Test <span class="faint">at (.*?)</span>', page) == [
        "http://one",
        "http://two",
    ]
    assert page.count('<span class="faint">at http') == 2


def test_only_who_is_signed_in_acts(tmp_path: Path, flow: ServedFlow) -> None:
    """A form needs the session, its own token, and to come from a page of ours."""
    form = {"flow": "shopify_orders", "state": "rejected", "reason": "test orders"}
    with console(tmp_path, flow) as (url, ledger):
        stranger = httpx2.post(f"{url}discard", data=form)
        browser = signed_in(url)
        without = browser.post("discard", data=form)
        token = form_token(browser)
        elsewhere = browser.post(
            "discard", data=form | {"form_token": token}, headers={"Origin": "https://evil.example"}
        )
        left = len(list(Reports(ledger).records(Choice("shopify_orders"))))
        silent = browser.post("discard", data=form | {"form_token": token, "reason": " "})
        replayed = browser.post("replay", data=form | {"form_token": token})
        until(lambda: Reports(ledger).runs("shopify_orders")[0].reason == "done")
        codes = {one.code for each in Reports(ledger).records(Choice("shopify_orders"))
                 for one in each.errors}  # fmt: skip
        given_up = browser.post("discard", data=form | {"form_token": token})
        rest = list(Reports(ledger).records(Choice("shopify_orders")))
        said = browser.get(given_up.headers["location"]).text
        known = browser.post("acknowledge", data={"form_token": token, "alert": "1"})
        (alert,) = Alerts(ledger).firing()
        browser.post("sign-out", data={"form_token": token})
        after = browser.post("replay", data=form | {"form_token": token})
    assert (stranger.status_code, stranger.headers["location"]) == (303, "sign-in")
    assert (without.status_code, elsewhere.status_code, silent.status_code) == (403, 403, 400)
    assert left == 2
    assert replayed.headers["location"] == "failures?flow=shopify_orders&done=replay&count=2"
    assert codes
    assert "R304" not in codes  # they were mapped by the rules of today
    assert rest == []
    assert "2 records were given up" in said
    assert known.status_code == 303
    assert (alert.state, alert.acknowledged_by) == ("acknowledged", "console")
    assert after.headers["location"] == "sign-in"


def test_signing_in(tmp_path: Path, flow: ServedFlow) -> None:
    """Wrong tokens are counted; cookies of others, and without a token any, open nothing."""
    with console(tmp_path, flow) as (url, _):
        tries = [httpx2.post(f"{url}sign-in", data={"token": f"no {n}"}) for n in range(6)]
        right = httpx2.post(f"{url}sign-in", data={"token": TOKEN})
        forged = [
            httpx2.get(url, headers={"Cookie": f"mapgen_console={words}"}).text
            for words in ("9999999999.x.00", "", "a" * 3000, "9" * 5000 + ".x.0")
        ]
    assert [one.status_code for one in tries] == [403] * 5 + [429]
    assert right.status_code == 429
    assert int(right.headers["retry-after"]) <= 61
    assert not any("Sign out" in page for page in forged)
    over = SignIn(TOKEN)
    assert over.session(over._sealed("1.x")) is None
    assert over.session(over._sealed("9999999999.x")) is not None
    assert SignIn(None).cookie_for("", "here") is None
    assert SignIn("").session(SignIn("")._sealed("9999999999.x")) is None


def test_hosts(tmp_path: Path, flow: ServedFlow) -> None:
    """A name that is not ours is refused, so that no page elsewhere can be pointed here."""
    with console(tmp_path, flow) as (url, _):
        found = [
            httpx2.get(url, headers={"Host": host}).status_code
            for host in ("evil.example", "localhost:1", "[::1]", "", "127.0.0.1.evil.example")
        ]
    assert found == [421, 200, 200, 421, 421]


def test_who_asks_from_elsewhere_signs_in_first() -> None:
    """Pages are open to this machine alone; others see nothing before they have signed in."""
    import anyio

    async def answer(client: str, host: str) -> int:
        sent: list[Any] = []
        console = Console.__new__(Console)
        console._sign_in = SignIn(TOKEN)
        page = console._page("runs", lambda asked: pytest.fail("it was shown"))
        scope = {
            "type": "http", "method": "GET", "path": "/", "root_path": "", "query_string": b"",
            "headers": [(b"host", host.encode())], "client": (client, 1), "scheme": "http",
        }  # fmt: skip
        from starlette.requests import Request

        sent.append(await page(Request(scope)))
        return int(sent[0].status_code)

    assert anyio.run(answer, "192.0.2.7", "localhost") == 303
    assert anyio.run(answer, "127.0.0.1", "erp.example.com") == 303


@pytest.mark.skipif(not CHROMIUM.exists(), reason="no browser: /usr/bin/chromium is not there")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_in_a_browser(tmp_path: Path, flow: ServedFlow, scheme: str) -> None:
    """By keyboard, on a phone: sign in, discard a group; nothing hostile runs."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with console(tmp_path, flow) as (url, ledger), api.sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        context = chromium.new_context(
            color_scheme=scheme, viewport={"width": 380, "height": 800}, is_mobile=True
        )
        page = context.new_page()
        errors: list[str] = []
        page.on("dialog", lambda dialog: errors.append(dialog.message))
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        page.goto(f"{url}sign-in")
        page.get_by_label("Token").fill(TOKEN)
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Sign out").wait_for()
        for name in PAGES:
            page.goto(f"{url}{name}")
            assert page.evaluate("document.documentElement.scrollWidth") <= 380, name
            assert page.title().endswith("· mapgen")
        page.goto(f"{url}failures?flow=shopify_orders&try=1")
        assert "1 would pass now" in page.inner_text("main")
        page.locator("summary").first.focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        page.keyboard.type("orders of a test")
        page.keyboard.press("Enter")
        page.get_by_role("status").wait_for()
        assert list(Reports(ledger).records(Choice("shopify_orders"))) == []
        chromium.close()
    assert errors == []
