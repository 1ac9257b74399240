# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A webhook receiver of Alertmanager that writes every notification to standard output, one JSON line for each alert.

The journal takes it from there, and the host's collector takes it to Loki: who was told what, and when, is kept with the
logs. Only the standard library; clients show a certificate that the same authority signed.
"""

from __future__ import annotations

import argparse
import json
import os
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MAX_BODY = 4 << 20
COUNTS = {"notifications": 0, "alerts": 0, "refused": 0}
LOCK = threading.Lock()
METRICS = {
    "notifications": ("alert_log_notifications_total", "Notifications received from Alertmanager."),
    "alerts": ("alert_log_alerts_total", "Alerts inside the notifications received."),
    "refused": ("alert_log_refused_total", "Requests that were not a notification."),
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self):
        if self.path == "/healthz":
            return self.answer(200, "ok\n")
        if self.path == "/metrics":
            with LOCK:
                rows = ["# HELP %s %s\n# TYPE %s counter\n%s %d\n" % (name, text, name, name, COUNTS[key])
                        for key, (name, text) in METRICS.items()]
            return self.answer(200, "".join(rows), "text/plain; version=0.0.4; charset=utf-8")
        return self.answer(404, "paths: /notifications (POST), /healthz, /metrics\n")

    def do_POST(self):
        told = self.headers.get("Content-Length") or ""
        length = int(told) if told.isdecimal() else 0
        if self.path != "/notifications" or not 0 < length <= MAX_BODY:
            return self.refuse("POST a notification of at most %d bytes to /notifications\n" % MAX_BODY)
        try:
            data = json.loads(self.rfile.read(length))
            alerts = data["alerts"]
            lines = [json.dumps({
                "event": "notification", "receiver": data.get("receiver"), "status": alert["status"],
                "labels": alert["labels"], "annotations": alert.get("annotations"), "starts_at": alert.get("startsAt"),
                "ends_at": alert.get("endsAt"), "fingerprint": alert.get("fingerprint")}, sort_keys=True) for alert in alerts]
        except (ValueError, KeyError, TypeError) as error:
            return self.refuse("not a notification of Alertmanager: %r\n" % error)
        with LOCK:
            COUNTS["notifications"] += 1
            COUNTS["alerts"] += len(lines)
            for line in lines:
                print(line, flush=True)
        return self.answer(200, "logged\n")

    def refuse(self, text):
        with LOCK:
            COUNTS["refused"] += 1
        self.close_connection = True
        return self.answer(400, text)

    def answer(self, status, text, kind="text/plain; charset=utf-8"):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args):
        """Requests are counted, not logged: the log is for notifications."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    args = None
    context = None
    read_at = None

    def current_context(self):
        """TLS with the certificate as it is on disk; a renewed one is taken without a restart."""
        changed = os.stat(self.args.certificate).st_mtime_ns
        if changed != self.read_at:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=self.args.ca)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_cert_chain(self.args.certificate, self.args.key)
            self.context, self.read_at = context, changed
        return self.context

    def finish_request(self, request, client_address):
        # The handshake belongs into the connection's own thread: a client that never ends it holds up nobody.
        if self.args.certificate:
            request.settimeout(10)
            request = self.current_context().wrap_socket(request, server_side=True)
        self.RequestHandlerClass(request, client_address, self)

    def handle_error(self, request, client_address):
        print(json.dumps({"event": "connection failed", "client": client_address[0], "error": repr(sys.exc_info()[1])}), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listen", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    parser.add_argument("--ca", help="authority that must have signed the certificate of a client")
    args = parser.parse_args()
    server = Server((args.listen, args.port), Handler)
    server.args = args
    if args.certificate:
        server.current_context()
    server.serve_forever()


if __name__ == "__main__":
    main()
