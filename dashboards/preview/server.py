"""The preview's server: pages, and the data of their panels. Read only; asks the services only what the bundle's panels ask.

  GET  /                         index          GET /dashboards/<uid>.html  a dashboard       GET /runbooks/<system>.html
  GET  /d/<uid>                  as Grafana links to it: leads to the dashboard
  POST /api/panels               {"uid", "panels": [id], "variables": {name: [value]}, "from", "to", "points", "place", "frame": bool}
                                 answers lines of JSON, each panel as soon as it is there
  POST /api/trace                {"id", "place"}
Credentials stay here. A request must name this server (no rebinding of names) and send JSON (no forms of other sites)."""

from __future__ import annotations

import ipaddress
import json
import re
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from dashboards.model import ContentError, require
from dashboards.preview import queries
from dashboards.preview.ask import Estate
from dashboards.preview.pages import Pages
from dashboards.preview.sources import SourceError

LARGEST = 1024 * 1024  # bytes of a question
TRACE = re.compile(r"[0-9a-fA-F]{1,32}\Z")
PATH = re.compile(r"/(?:(dashboards|runbooks)/([A-Za-z0-9_.-]+)\.html|d/([A-Za-z0-9_.-]+)(?:/[^/]*)?|(?:index\.html)?)\Z")


class Server(ThreadingHTTPServer):
    """Listens at once, so that a taken port is an error before anything else."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], pages: Pages, estate: Estate, quiet: bool = False) -> None:
        self.pages, self.estate, self.quiet = pages, estate, quiet
        self.known = address[0].lower()
        try:
            super().__init__(address, Handler)
        except OSError as error:
            raise ContentError(f"--serve {address[0]}:{address[1]}: {error.strerror}; choose another port") from error

    @property
    def url(self) -> str:
        host, port = self.server_address[0], self.server_address[1]
        return f"http://{host if isinstance(host, str) else host.decode()}:{port}/"

    def names(self, host: str) -> bool:
        """Whether a Host header means this server: an address, localhost, or the name that it listens at."""
        name = urlsplit(f"//{host}").hostname or ""
        if name in ("localhost", self.known):
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):  # a reader who went away is no error
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "observatory"
    sys_version = ""
    timeout = 120
    server: Server

    def do_GET(self) -> None:  # the name that http.server calls
        if not self._named():
            return
        split = urlsplit(self.path)
        match = PATH.match(split.path)
        pages = self.server.pages
        if match and match[3] and match[3] in pages.bundle.boards:
            self._send(HTTPStatus.FOUND, "", {"Location": f"/dashboards/{match[3]}.html" + (f"?{split.query}" if split.query else "")})
        elif match and match[1] == "dashboards" and match[2] in pages.bundle.boards:
            self._send(HTTPStatus.OK, pages.dashboard(match[2]))
        elif match and match[1] == "runbooks" and match[2] in pages.bundle.runbooks:
            self._send(HTTPStatus.OK, pages.bundle.runbooks[match[2]])
        elif match and not match[1] and not match[3]:
            self._send(HTTPStatus.OK, pages.index())
        else:
            self._send(
                HTTPStatus.NOT_FOUND, "there is no such page; / lists all dashboards\n", {"Content-Type": "text/plain; charset=utf-8"}
            )

    def do_POST(self) -> None:  # the name that http.server calls
        if not self._named():
            return
        try:
            asked = self._question()
            if self.path == "/api/panels":
                self._panels(asked)
            elif self.path == "/api/trace":
                key = asked.get("id")
                require(isinstance(key, str) and TRACE.match(key), "id", "must be a trace's id: up to 32 hexadecimal digits")
                self._json(HTTPStatus.OK, self.server.estate.trace(self._place(asked), str(key)))
            else:
                self._json(HTTPStatus.NOT_FOUND, {"error": "there are /api/panels and /api/trace"})
        except ContentError as error:
            self._json(HTTPStatus.BAD_REQUEST, {"error": str(error)})
        except SourceError as error:
            self._json(HTTPStatus.BAD_GATEWAY, {"error": str(error)})

    def _named(self) -> bool:
        if self.server.names(self.headers.get("Host", "")):
            return True
        self._send(
            HTTPStatus.MISDIRECTED_REQUEST, "ask by address, or by the name that --serve was given\n", {"Content-Type": "text/plain"}
        )
        return False

    def _question(self) -> dict[str, Any]:
        length = self.headers.get("Content-Length", "")
        if not (length.isdigit() and int(length) <= LARGEST):
            self.close_connection = True
            raise ContentError(f"the question must have a Content-Length of at most {LARGEST} bytes")
        body = self.rfile.read(int(length))
        require(self.headers.get_content_type() == "application/json", "Content-Type", "must be application/json")
        try:
            asked = json.loads(body)
        except ValueError as error:
            raise ContentError(f"the question is not JSON: {error}") from error
        require(isinstance(asked, dict), "the question", "must be an object")
        assert isinstance(asked, dict)  # noqa: S101 (for the type checker)
        return asked

    def _place(self, asked: dict[str, Any]) -> str:
        places = self.server.estate.places
        place = asked.get("place") or next(iter(places))
        require(isinstance(place, str) and place in places, "place", f"{place!r} is unknown; known are {', '.join(places)}")
        return str(place)

    def _panels(self, asked: dict[str, Any]) -> None:
        boards, estate = self.server.pages.bundle.boards, self.server.estate
        uid, ids, points = asked.get("uid"), asked.get("panels", []), asked.get("points", 400)
        require(isinstance(uid, str) and uid in boards, "uid", f"{uid!r} is no dashboard of the bundle")
        board = boards[str(uid)]
        require(
            isinstance(ids, list) and all(isinstance(key, int) and key in board.panels for key in ids),
            "panels",
            f"must be ids of panels of {uid}",
        )
        require(isinstance(points, int), "points", "must be a number")
        chosen = queries.selection(board, asked.get("variables", {}))
        at = queries.window(asked.get("from", "now-1h"), asked.get("to", "now"), points, estate.scrape)
        place = self._place(asked)
        self.send_response(HTTPStatus.OK)
        for name, value in (("Content-Type", "application/x-ndjson"), ("Transfer-Encoding", "chunked"), *SAFE):
            self.send_header(name, value)
        self.end_headers()
        self._line({"window": {"start": at.start, "end": at.end, "step": at.step}})
        if asked.get("frame", True):
            for line in estate.frame(board, chosen, at, place):
                self._line(line)
        for line in estate.panels(board, [key for key in dict.fromkeys(ids) if board.panels[key].targets], chosen, at, place):
            self._line(line)
        self.wfile.write(b"0\r\n\r\n")

    def _line(self, data: Any) -> None:
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        self.wfile.write(b"%x\r\n%s\r\n" % (len(text), text))
        self.wfile.flush()

    def _json(self, status: HTTPStatus, data: Any) -> None:
        self._send(status, json.dumps(data), {"Content-Type": "application/json"})

    def _send(self, status: HTTPStatus, text: str, more: dict[str, str] | None = None) -> None:
        body = text.encode()
        self.send_response(status)
        for name, value in (
            {"Content-Type": "text/html; charset=utf-8", **dict(SAFE), **(more or {}), "Content-Length": str(len(body))}
        ).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        if not self.server.quiet:
            super().log_message(format, *args)


SAFE = (
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("X-Frame-Options", "SAMEORIGIN"),
)
