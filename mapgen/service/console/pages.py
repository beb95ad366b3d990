"""The pages of the console, each a look at the ledger."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from importlib.resources import files
from itertools import count, islice
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from mapgen.durations import span
from mapgen.runtime.aborted import LedgerFailed
from mapgen.runtime.ledger import Ledger
from mapgen.runtime.ledger.alerts import Alerts
from mapgen.runtime.ledger.reports import Choice, OpenRecord, Reports
from mapgen.service.console import shown
from mapgen.service.console.guard import body_of, is_local
from mapgen.service.console.hands import Hands
from mapgen.service.console.signin import COOKIE, PATH, SECONDS, Session, SignIn

if TYPE_CHECKING:
    from mapgen.service.history import History

_LONGEST_FORM = 16_384
_MOST_SHOWN, _MOST_RUNS, _MOST_TRIED = 200, 100, 2_000
_MINUTES = 60
_STATIC = {
    "console.css": "text/css",
    "console.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
_WHO = "console"
_OPEN = Choice().states
_CHOSEN = ("flow", "tenant", "cause", "key")
_Passes = Callable[[OpenRecord], bool | None]
Form = Mapping[str, str]
Words = Mapping[str, Any]


def _templates() -> Environment:
    made = Environment(
        loader=PackageLoader("mapgen.templates", "console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(shown.FILTERS)
    made.globals.update(link=_link, width=shown.WIDTH, height=shown.HEIGHT)
    return made


class Console:
    """Makes the pages; each method that is a page takes a request and who is signed in."""

    def __init__(
        self, ledger: Ledger, sign_in: SignIn, hands: Hands | None, history: History | None = None
    ) -> None:
        """Take the ledger, how people sign in, and who does what they ask for, if anybody."""
        self._ledger = ledger
        self._reports = Reports(ledger)
        self._alerts = Alerts(ledger)
        self._sign_in = sign_in
        self._hands = hands
        self._history = history
        self._templates = _templates()

    def routes(self) -> list[BaseRoute]:
        """Return the addresses of the pages."""
        pages: Mapping[str, Callable[[Form], Words]] = {
            "": self.status,
            "failures": self.failures,
            "records": self.records,
            "record": self.record,
            "runs": self.runs,
            "alerts": self.alerts,
        }
        forms: Mapping[str, Callable[[Form], Response]] = {
            "/replay": self.replay,
            "/discard": self.discard,
            "/acknowledge": self.acknowledge,
        }
        return [
            *(Route(f"/{page}", self._page(page, make)) for page, make in pages.items()),
            *(Route(path, self._form(do), methods=["POST"]) for path, do in forms.items()),
            Route("/sign-in", self._ask_for_token),
            Route("/sign-in", self._take_token, methods=["POST"]),
            Route("/sign-out", self._form(_signed_out), methods=["POST"]),
            Route("/static/{name}", _static),
        ]

    def status(self, asked: Form) -> Words:
        """How the flows are, what fires, what was sent lately."""
        flow = asked.get("flow") or None
        flows, charts = self._reports.flows(flow), self._charts(flow)
        return {"flow": flow, "flows": flows, "alerts": self._alerts.firing(), "charts": charts}

    def failures(self, asked: Form) -> Words:
        """What is open, by cause."""
        choice, hands, passes = _choice(asked), self._hands, None
        if asked.get("try") == "1" and choice.flow and hands is not None:
            passes = first_tried(hands.passes(choice.flow), _MOST_TRIED)
        groups, can_try = self._reports.failures(choice, passes), hands is not None
        return {"choice": choice, "groups": groups, "can_try": can_try, "most_tried": _MOST_TRIED}

    def records(self, asked: Form) -> Words:
        """The records of one cause."""
        choice = _choice(asked)
        found = tuple(islice(self._reports.records(choice), _MOST_SHOWN + 1))
        more = len(found) > _MOST_SHOWN
        return {"choice": choice, "records": found[:_MOST_SHOWN], "has_more": more}

    def record(self, asked: Form) -> Words:
        """One record's story."""
        flow, key = asked.get("flow", ""), asked.get("key", "")
        story = self._reports.story(flow, key, asked.get("tenant") or None) if flow and key else ()
        names = sorted({one.of.flow for one in self._reports.flows()})
        status = 200 if story or not key else 404
        return {"status": status, "flow": flow, "key": key, "story": story, "names": names}

    def runs(self, asked: Form) -> Words:
        """The latest runs."""
        flow = asked.get("flow") or None
        return {"flow": flow, "runs": self._reports.runs(flow, _MOST_RUNS)}

    def alerts(self, _asked: Form) -> Words:
        """What fires and what fired."""
        return {"alerts": self._alerts.latest()}

    def replay(self, form: Form) -> Response:
        """Send the records of a cause, or one record, again."""
        choice = _choice(form)
        if self._hands is None or not choice.flow:
            return PlainTextResponse("nothing is replayed here\n", 409)
        count = self._hands.replay(choice, _WHO)
        return _back("failures", flow=choice.flow, done="replay", count=count)

    def discard(self, form: Form) -> Response:
        """Give up the records of a cause, or one record; a reason is needed."""
        choice, reason = _choice(form), form.get("reason", "").strip()
        if self._hands is None or not choice.flow:
            return PlainTextResponse("nothing is discarded here\n", 409)
        if not reason:
            return PlainTextResponse("say why they are discarded: the reason is empty\n", 400)
        count = self._hands.discard(choice, reason[:500], _WHO)
        return _back("failures", flow=choice.flow, done="discard", count=count)

    def acknowledge(self, form: Form) -> Response:
        """Note that somebody sees to an alert."""
        number = form.get("alert", "")
        is_number = number.isascii() and number.isdigit() and len(number) < 18
        found = self._alerts.acknowledge(int(number), _WHO) if is_number else None
        return _back("alerts", done="acknowledge", count=0 if found is None else 1)

    def _charts(self, flow: str | None) -> list[shown.Chart]:
        sent = self._reports.sent_by_minute(flow, _MINUTES)
        took = self._alerts.took_by_minute(flow, _MINUTES)
        charts = [
            shown.chart("Documents a minute", sent, shown.count),
            shown.chart("Time to arrive, 95 of 100", took, span),
        ]
        if self._history is not None:
            queued = self._history.queued(flow)
            charts.append(shown.chart("Documents in the queue", queued, shown.count))
        return charts

    def _answer(
        self, request: Request, session: Session | None, page: str, words: Words
    ) -> Response:
        text = self._templates.get_template(f"{page}.html.jinja").render(
            page=page,
            session=session,
            can_sign_in=self._sign_in.is_possible,
            base=request.scope.get("root_path", ""),
            **words,
        )
        return HTMLResponse(text, words.get("status", 200), {"cache-control": "no-store"})

    def _page(
        self, page: str, make: Callable[[Form], Words]
    ) -> Callable[[Request], Awaitable[Response]]:
        def made(request: Request, session: Session | None) -> Response:
            asked = request.query_params
            words = {**make(asked), "now": self._ledger.now(), "done": _done(asked)}
            return self._answer(request, session, page or "status", words)

        async def answer(request: Request) -> Response:
            session = self._sign_in.session(request.cookies.get(COOKIE))
            if session is None and not is_local(request):
                return _to_sign_in()
            try:
                return await run_in_threadpool(made, request, session)
            except LedgerFailed as failed:
                words = {"status": 503, "message": failed.message, "help": failed.help}
                return self._answer(request, session, "failed", words)

        return answer

    def _form(self, do: Callable[[Form], Response]) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            session = self._sign_in.session(request.cookies.get(COOKIE))
            form = await _form_of(request)
            if session is None:
                return _to_sign_in()
            if form is None or not self._sign_in.is_of(session, form.get("form_token", "")):
                return PlainTextResponse("the form is too old: load its page again\n", 403)
            try:
                return await run_in_threadpool(do, form)
            except LedgerFailed as failed:
                return PlainTextResponse(f"{failed.message}; {failed.help}\n", 503)

        return answer

    async def _ask_for_token(self, request: Request) -> Response:
        return self._answer(request, None, "sign-in", {"error": None})

    async def _take_token(self, request: Request) -> Response:
        address = request.client.host if request.client else ""
        wait = self._sign_in.wait(address)
        if wait:
            words = {"status": 429, "error": f"too many tries: wait {span(wait)}"}
            answer = self._answer(request, None, "sign-in", words)
            answer.headers["retry-after"] = str(int(wait) + 1)
            return answer
        form = await _form_of(request)
        cookie = self._sign_in.cookie_for((form or {}).get("token", ""), address)
        if cookie is None:
            words = {"status": 403, "error": "this is not the token"}
            return self._answer(request, None, "sign-in", words)
        back = RedirectResponse("./", 303)
        back.set_cookie(
            COOKIE,
            cookie,
            max_age=SECONDS,
            path=PATH,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return back


def _signed_out(_form: Form) -> Response:
    back = RedirectResponse("./", 303)
    back.delete_cookie(COOKIE, path=PATH, httponly=True, samesite="strict")
    return back


def _choice(asked: Mapping[str, str]) -> Choice:
    """Return which records a query or a form means."""
    flow, tenant, cause, key = (asked.get(one) or None for one in _CHOSEN)
    state = asked.get("state", "")
    return Choice(flow, tenant, cause, key, (state,) if state in _OPEN else _OPEN)


def _done(asked: Form) -> tuple[str, int] | None:
    """Return what a form has just done: only words and numbers of ours come back by an address."""
    done, count = asked.get("done"), asked.get("count", "")
    if done not in ("replay", "discard", "acknowledge") or not (
        count.isascii() and count.isdigit()
    ):
        return None
    return done, int(count[:9])


def _back(page: str, **words: object) -> Response:
    return RedirectResponse(_link(page, **words), 303)


def _link(page: str, **words: object) -> str:
    """Return the address of a page, with what is not None."""
    query = urlencode({name: str(value) for name, value in words.items() if value is not None})
    return f"{page}?{query}" if query else page


def _to_sign_in() -> Response:
    return RedirectResponse("sign-in", 303)


async def _form_of(request: Request) -> Form | None:
    """Return what a form holds, None for one that is too long or no form."""
    content = await body_of(request, _LONGEST_FORM)
    try:
        return None if content is None else dict(parse_qsl(content.decode(), max_num_fields=20))
    except ValueError:
        return None


async def _static(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _STATIC:
        return PlainTextResponse("nothing here\n", 404)
    content = (files("mapgen.templates") / "console" / name).read_bytes()
    return Response(content, media_type=_STATIC[name], headers={"cache-control": "max-age=300"})


def first_tried(passes: _Passes | None, most: int) -> _Passes | None:
    """Return what tries the first so many records, and says None, not known, of those after."""
    if passes is None:
        return None
    tried = count()
    return lambda record: passes(record) if next(tried) < most else None
