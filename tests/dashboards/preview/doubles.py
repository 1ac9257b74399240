"""A double of Prometheus, Loki and Jaeger: answers as they do, with waves for numbers, and remembers what it was asked."""

from __future__ import annotations

import json
import math
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

BOUNDS = ("0.005", "0.05", "0.5", "+Inf")


class Double:
    def __init__(self):
        self.asked, self.headers, self.answer = [], [], None  # answer: (status, text) instead of the usual
        self.firing, self.values = True, ""  # values: the value of every sample
        self.ended = 0  # seconds before the end of a range at which the series end
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                split = urlsplit(self.path)
                query = {key: values[0] for key, values in parse_qs(split.query).items()}
                double.asked.append((split.path, query))
                double.headers.append(dict(self.headers))
                status, text = double.answer or (200, json.dumps(double.data(split.path, query)))
                body = text.encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_error):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def data(self, path, query):
        if path.startswith("/api/v1/label/"):
            return {"status": "success", "data": ["b", "a", "<img src=x onerror=alert(1)>"]}
        if path == "/api/v1/query_exemplars":
            return {
                "status": "success",
                "data": [
                    {
                        "seriesLabels": {},
                        "exemplars": [{"labels": {"trace_id": "ab12"}, "value": "0.25", "timestamp": float(query["end"]) - 60}],
                    }
                ],
            }
        if path.startswith("/api/traces"):
            return {"data": [self.trace(query.get("service", "web"), int(query.get("end", 0)) or 1_700_000_000_000_000)]}
        if path == "/api/dependencies":
            return {"data": [{"parent": "web", "child": "catalog", "callCount": 12}, {"parent": "catalog", "child": "web", "callCount": 1}]}
        expr = query["query"]
        if path == "/loki/api/v1/query_range" and "step" not in query:
            return {
                "status": "success",
                "data": {
                    "resultType": "streams",
                    "result": [{"stream": {"level": "error", "host": "a"}, "values": [[query["end"], "a line with <b>HTML</b>"]]}],
                },
            }
        steady = "0" if self.values and "ALERTS" in expr else "1" if re.search(r"\bup\{|probe_success", expr) else self.values
        rows = [self.labels(expr, name) for name in (BOUNDS if re.search(r"by \(le\)", expr) else ("a", "b"))]
        if path.endswith("/query"):
            return {
                "status": "success",
                "data": {
                    "resultType": "vector",
                    "result": [{"metric": labels, "value": [1.0, str(index + 1)]} for index, labels in enumerate(rows)],
                },
            }
        start, end, step = (int(query[key]) for key in ("start", "end", "step"))
        start, end = (value // 1_000_000_000 if value > 10**12 else value for value in (start, end))
        if expr.startswith("ALERTS{"):
            rows = [] if not self.firing else [{"alertname": "Loud", "severity": "critical"}]
        return {
            "status": "success",
            "data": {
                "resultType": "matrix",
                "result": [
                    {
                        "metric": labels,
                        "values": [
                            [at, steady or f"{index + 1 + math.sin(at / 600) / 2:.4f}"] for at in range(start, end + 1 - self.ended, step)
                        ],
                    }
                    for index, labels in enumerate(rows)
                ],
            },
        }

    @staticmethod
    def labels(expr, name):
        found = re.search(r"by \(([^)]*)\)", expr)
        keys = [key.strip() for key in found[1].split(",")] if found and found[1].strip() else ["instance", "host", "name"]
        return dict.fromkeys(keys, name)

    @staticmethod
    def trace(service, end):
        span = {"traceID": "ab12", "processID": "p1", "tags": [], "references": []}
        return {
            "traceID": "ab12",
            "processes": {"p1": {"serviceName": service}, "p2": {"serviceName": "catalog"}},
            "spans": [
                {**span, "spanID": "1", "operationName": "GET /", "startTime": end - 5000, "duration": 5000},
                {
                    **span,
                    "spanID": "3",
                    "operationName": "query",
                    "startTime": end - 3000,
                    "duration": 1000,
                    "processID": "p2",
                    "references": [{"refType": "CHILD_OF", "spanID": "2"}],
                    "tags": [{"key": "error", "value": True}],
                },
                {
                    **span,
                    "spanID": "2",
                    "operationName": "Get",
                    "startTime": end - 4000,
                    "duration": 3000,
                    "processID": "p2",
                    "references": [{"refType": "CHILD_OF", "spanID": "1"}],
                },
            ],
        }
