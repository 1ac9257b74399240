# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Grafana's HTTP API: one pool of connections, several calls at a time, retries, and errors that say what was asked and answered.

The organisation goes with each request as a header; the user's own is never switched. A redirect is not followed: it would hide
that the URL is not Grafana's.
"""

from __future__ import annotations

import base64
import concurrent.futures
import http.client
import json
import queue
import random
import re
import ssl
import threading
import time
import urllib.parse
import urllib.request

from ansible_collections.psf.observatory.plugins.module_utils.reconcile import ConcernError

# Answers that pass by themselves. Writes carry a version or a uid, so one that had arrived after all ends as a conflict.
PASSING = (429, 502, 503, 504)
# After these, nobody knows whether the call has arrived.
LOST = (0, 502, 504)
# What Grafana says, with status 500, when two writes met in its database.
MET = re.compile(r"database is locked|Failed to save dashboard|could not find object using provided id and hash|SQLITE_BUSY", re.I)
LONGEST_WAIT = 30.0
# Calls at a time. SQLite, which Grafana has unless told otherwise, takes one writer at a time; reads do not get in each other's way.
WRITERS, READERS = 4, 8
WRITERS_OF_A_SERVER = 16


class ApiError(ConcernError):
    """Grafana refused or did not answer. status is 0 when there was no answer; said is Grafana's own message."""

    def __init__(self, about, method, url, status, said):
        self.about, self.method, self.url, self.status, self.said = about, method, url, status, said
        answer = "answered %d: %s" % (status, said) if status else said
        super().__init__("%s: %s %s %s" % (about, method, url, answer), status=status, url=url)


class Client:
    """`url` is Grafana's base, with its sub path. `sleep` and `jitter` are for tests."""

    def __init__(self, url, username=None, password=None, token=None, org_id=None, timeout=30.0, retries=5, workers=None, verify=True,
                 ca=None, cert=None, key=None, use_proxy=True, sleep=time.sleep, jitter=random.random):
        parts = urllib.parse.urlsplit(url.rstrip("/"))
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConcernError("url: %r is not an http(s) URL (like https://grafana.example:3000)" % url)
        if parts.username or parts.query or parts.fragment:
            raise ConcernError("url: %r has a user, a query or a fragment; give only scheme, host, port and path" % _plain(parts))
        self.url, self.parts = url.rstrip("/"), parts
        self.timeout, self.retries = timeout, retries
        self.chosen = workers
        self.workers, self.readers = workers or WRITERS, workers or READERS
        self.sleep, self.jitter = sleep, jitter
        self.headers = {"Accept": "application/json", "User-Agent": "psf.observatory"}
        if token:
            self.headers["Authorization"] = "Bearer " + token
        elif username:
            self.headers["Authorization"] = "Basic " + base64.b64encode(("%s:%s" % (username, password or "")).encode()).decode()
        if org_id:
            self.headers["X-Grafana-Org-Id"] = str(org_id)
        self.tls = _tls(verify, ca, cert, key) if parts.scheme == "https" else None
        self.proxy = _proxy(parts) if use_proxy else None
        self.idle = queue.LifoQueue()
        self.lock = threading.Lock()
        self.reads = self.writes = self.retried = self.connections = 0
        # Called after each answer.
        self.watch = lambda: None

    # -- calls ---------------------------------------------------------------------------------------------------------
    def get(self, path, about, missing=False):
        """Data of an answer; None for a 404 when `missing` is allowed."""
        return self.call("GET", path, about, missing=missing)

    def pages(self, path, about, size, take):
        """Rows of a paged list: `take` gives the rows of one answer. A page that is not full is the last."""
        rows, page = [], 1
        while True:
            some = take(self.get("%s%spage=%d" % (path, "&" if "?" in path else "?", page), about))
            rows += some
            if len(some) < size:
                return rows
            page += 1

    def call(self, method, path, about, body=None, missing=False, headers=None, once=False):
        """One request with its retries. Data of the answer, None where it is empty. once: a second time would do it twice, so it is not
        sent again when it may have arrived."""
        data = None if body is None else json.dumps(body).encode()
        headers = dict(self.headers, **(headers or {}))
        if data is not None:
            headers["Content-Type"] = "application/json"
        if self.proxy and self.tls is None:
            headers.update(self.proxy[2])
        with self.lock:
            if method == "GET":
                self.reads += 1
            else:
                self.writes += 1
        for attempt in range(self.retries + 1):
            last = attempt == self.retries
            try:
                status, answered, text = self._once(method, path, data, headers, once)
            except ssl.SSLError as error:
                raise ApiError(about, method, self.url + path, 0, "TLS failed: %s" % error) from error
            except (OSError, http.client.HTTPException) as error:
                if last or once:
                    raise ApiError(about, method, self.url + path, 0, "got no answer, %d times: %s"
                                   % (attempt + 1, str(error) or type(error).__name__)) from error
                self._wait(attempt, None)
                continue
            if not last and not (once and status in LOST) and (status in PASSING or (status == 500 and MET.search(text))):
                self._wait(attempt, answered.get("Retry-After"))
                continue
            self.watch()
            return self._data(method, path, about, status, answered, text, missing)
        raise AssertionError("unreachable")

    def wait(self, attempt):
        """Before a call that the caller itself repeats."""
        self._wait(attempt, None)

    def _wait(self, attempt, after):
        with self.lock:
            self.retried += 1
        seconds = min(LONGEST_WAIT, 0.1 * 2 ** attempt) * (0.5 + self.jitter() / 2)
        if after and re.fullmatch(r"[0-9]+", after):
            seconds = max(seconds, min(LONGEST_WAIT, float(after)))
        self.sleep(seconds)

    def _once(self, method, path, data, headers, anew):
        """(status, headers, text) of one try. A kept connection that the server had closed is replaced once; anew: none is taken."""
        while True:
            try:
                connection, fresh = (self._connect(), True) if anew else (self.idle.get_nowait(), False)
            except queue.Empty:
                connection, fresh = self._connect(), True
            try:
                connection.request(method, self._target(path), body=data, headers=headers)
                response = connection.getresponse()
                text = response.read().decode("utf-8", "replace")
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                # Closed while idle: nothing was read of the request.
                if not fresh and isinstance(error, (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)):
                    continue
                raise
            except BaseException:
                connection.close()
                raise
            if response.will_close:
                connection.close()
            else:
                self.idle.put(connection)
            return response.status, dict(response.getheaders()), text

    def _connect(self):
        with self.lock:
            self.connections += 1
        host, port = self.parts.hostname, self.parts.port or (443 if self.tls else 80)
        via = self.proxy
        if self.tls is None:
            return http.client.HTTPConnection(via[0] if via else host, via[1] if via else port, timeout=self.timeout)
        if not via:
            return http.client.HTTPSConnection(host, port, timeout=self.timeout, context=self.tls)
        connection = http.client.HTTPSConnection(via[0], via[1], timeout=self.timeout, context=self.tls)
        connection.set_tunnel(host, port, via[2])
        return connection

    def _target(self, path):
        if self.proxy and self.tls is None:
            return self.url + path
        return self.parts.path + path

    def _data(self, method, path, about, status, headers, text, missing):
        url = self.url + path
        if status == 404 and missing:
            return None
        if 300 <= status < 400:
            raise ApiError(about, method, url, status, "it redirects to %s; `url` must be Grafana's own address, with its sub path"
                           % headers.get("Location", "nowhere"))
        try:
            data = json.loads(text) if text.strip() else None
        except ValueError as error:
            said = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", text)).strip()[:200]
            kind = "HTML" if "<html" in text[:500].lower() or "<!doctype" in text[:500].lower() else "no JSON"
            raise ApiError(about, method, url, status, "%s instead of Grafana's JSON (%s); is `url` Grafana's address?"
                           % (kind, said or "empty")) from error
        if status >= 400:
            raise ApiError(about, method, url, status, _said(data, status))
        return data

    # -- several at a time ---------------------------------------------------------------------------------------------
    def map(self, function, items, workers=None):
        """Results of function(item) in order, several calls at a time. The first error ends it, once the running ones are done."""
        items = list(items)
        count = min(workers or self.readers, len(items))
        if count <= 1:
            return [function(item) for item in items]
        with concurrent.futures.ThreadPoolExecutor(max_workers=count) as pool:
            futures = [pool.submit(function, item) for item in items]
            try:
                return [future.result() for future in futures]
            except BaseException:
                for future in futures:
                    future.cancel()
                raise

    def close(self):
        while True:
            try:
                self.idle.get_nowait().close()
            except queue.Empty:
                return


def _said(data, status):
    """Grafana's message, with its status word; a hint for the two answers that are about the login."""
    said = json.dumps(data)[:300]
    if isinstance(data, dict) and data.get("message"):
        said = str(data["message"])
        if data.get("status"):
            said += " (%s)" % data["status"]
    if status == 401:
        said += "; look at username and password, or token"
    elif status == 403:
        said += "; the account needs the role Admin of the organisation"
    return said


def _plain(parts):
    return "%s://%s%s" % (parts.scheme, parts.hostname, parts.path)


def _tls(verify, ca, cert, key):
    try:
        context = ssl.create_default_context(cafile=ca)
        if cert:
            context.load_cert_chain(cert, key)
    except (OSError, ssl.SSLError) as error:
        raise ConcernError("ca, cert, key: %s, %s, %s cannot be used: %s" % (ca, cert, key, error)) from error
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _proxy(parts):
    """(host, port, headers of the tunnel) from the environment's *_proxy and no_proxy, or None."""
    named = urllib.request.getproxies().get(parts.scheme)
    if not named or urllib.request.proxy_bypass(parts.netloc):
        return None
    proxy = urllib.parse.urlsplit(named if "//" in named else "http://" + named)
    headers = {}
    if proxy.username:
        login = "%s:%s" % (urllib.parse.unquote(proxy.username), urllib.parse.unquote(proxy.password or ""))
        headers["Proxy-Authorization"] = "Basic " + base64.b64encode(login.encode()).decode()
    return proxy.hostname, proxy.port or 8080, headers


def quoted(text):
    """A uid or name as one part of a path."""
    return urllib.parse.quote(str(text), safe="")
