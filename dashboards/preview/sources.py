"""Prometheus, Loki and Jaeger over HTTP: read only, connections kept, errors with address, status and the service's own words."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from queue import Empty, LifoQueue
from typing import Any, Protocol

from dashboards.model import ContentError, require

TIMEOUT = 30
LARGEST = 64 * 1024 * 1024  # bytes of an answer


class Service(Protocol):
    """Whatever answers a GET with JSON, or raises SourceError."""

    def get(self, path: str, params: Mapping[str, str]) -> Any: ...


class SourceError(Exception):
    """A service that did not answer, or answered with an error."""


@dataclass(frozen=True)
class Login:
    """How to log in: by name and password, by certificate, or by both. `ca`, `certificate`, `key` are files."""

    username: str = ""
    password: str = ""
    ca: str = ""
    certificate: str = ""
    key: str = ""

    def tls(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self.ca or None)
            if self.certificate:
                context.load_cert_chain(self.certificate, self.key or None)
        except (OSError, ssl.SSLError) as error:
            files = ", ".join(item for item in (self.ca, self.certificate, self.key) if item)
            raise ContentError(f"--ca, --cert, --key: {files}: {error}") from error
        return context

    def headers(self) -> dict[str, str]:
        if not self.username:
            return {}
        return {"Authorization": "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()}


@dataclass
class Source:
    """One service. Thread-safe: each call takes a connection of its own out of those that are idle."""

    name: str
    url: str
    login: Login
    _idle: LifoQueue[http.client.HTTPConnection] = field(default_factory=LifoQueue)

    def __post_init__(self) -> None:
        parts = urllib.parse.urlsplit(self.url)
        require(parts.scheme in ("http", "https") and parts.hostname, f"--{self.name}", f"{self.url!r} is not an http(s) URL")
        require(not parts.username, f"--{self.name}", "log in by OBSERVATORY_USERNAME and OBSERVATORY_PASSWORD, not in the URL")
        self.url = self.url.rstrip("/")
        self._parts = urllib.parse.urlsplit(self.url)
        self._tls = self.login.tls() if parts.scheme == "https" else None

    def _connect(self) -> http.client.HTTPConnection:
        host = self._parts.hostname or ""
        if self._tls:
            return http.client.HTTPSConnection(host, self._parts.port, timeout=TIMEOUT, context=self._tls)
        return http.client.HTTPConnection(host, self._parts.port, timeout=TIMEOUT)

    def get(self, path: str, params: Mapping[str, str]) -> Any:
        """The JSON of an answer. Raises SourceError."""
        target = f"{self._parts.path}{path}?{urllib.parse.urlencode(params)}"
        for fresh in (False, True):
            try:
                connection = self._connect() if fresh else self._idle.get_nowait()
            except Empty:
                continue
            try:
                connection.request("GET", target, headers=self.login.headers())
                answer = connection.getresponse()
                body = answer.read(LARGEST + 1)
            except (http.client.HTTPException, OSError) as error:
                connection.close()
                if fresh:
                    raise SourceError(f"{self.url}{path}: {_reason(error)}") from error
                continue
            if answer.will_close or len(body) > LARGEST:
                connection.close()
            else:
                self._idle.put(connection)
            return self._read(path, answer.status, body)
        raise SourceError(f"{self.url}{path}: no connection")

    def _read(self, path: str, status: int, body: bytes) -> Any:
        if len(body) > LARGEST:
            raise SourceError(f"{self.url}{path}: the answer is larger than {LARGEST // 1024 // 1024} MiB; take a shorter time range")
        try:
            data = json.loads(body)
        except ValueError:
            data = None
        if status != http.HTTPStatus.OK or not isinstance(data, dict):
            raise SourceError(f"{self.url}{path}: {status}: {_words(data, body)}")
        return data.get("data", data)


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {TIMEOUT} s"
    return str(error) or type(error).__name__


def _words(data: Any, body: bytes) -> str:
    """What a service says is wrong, in one line."""
    if isinstance(data, dict):
        errors = data.get("errors")
        found = data.get("error") or data.get("message") or (errors[0].get("msg") if isinstance(errors, list) and errors else "")
        if found:
            return str(found)[:500]
    return " ".join(body[:300].decode(errors="replace").split()) or "an empty answer"
