# Copyright: PSF Observatory contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What it takes to judge a cluster of 5,000 pods: seconds and memory of the process that asks. Needs no lab and no cluster.

    python benchmarks/governance_kubernetes.py [--pods 5000] [--runs 3]

A server on loopback, a process of its own, answers LIST calls in pages as an API server does, with generated pods of about 8 KB (with
managedFields, status and volumes, as real ones have). Then, each in a process of its own: the controls of Kubernetes that list pods, all
in one call of `assess`; and as a baseline, the same pods read at once and kept whole, which is what a scan without pages and projection
does. Memory is the peak of the process, with the interpreter and the engine in it."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import statistics
import sys
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "collections"))

from ansible_collections.psf.observatory.plugins.module_utils.governance import control  # noqa: E402
from ansible_collections.psf.observatory.plugins.module_utils.governance.assess import assess  # noqa: E402
from ansible_collections.psf.observatory.plugins.plugin_utils import controls  # noqa: E402

CONTROLS = ("IAM-08", "NET-04", "SUP-02", "FIN-03")


def pod(number: int) -> dict[str, Any]:
    """One pod, as large as usual; its values differ so that nothing is kept once for all."""
    container = {"name": "app", "image": f"harbor.example.com/shop/app-{number % 40}@sha256:{number:064x}",
                 "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
                 "env": [{"name": f"SETTING_{index}", "value": f"value-{number}-{index}"} for index in range(25)],
                 "volumeMounts": [{"name": f"v{index}", "mountPath": f"/v/{index}"} for index in range(6)]}
    managed = {"f:spec": {f"f:field-{index}": {"f:name": {}, "f:value": {}, "f:number": {str(number): {}}} for index in range(60)}}
    return {"metadata": {"name": f"app-{number}", "namespace": f"team-{number % 50}", "labels": {"app": f"app-{number % 40}"},
                         "creationTimestamp": "2026-11-01T00:00:00Z", "managedFields": [{"manager": "kubectl", "fieldsV1": managed}]},
            "spec": {"serviceAccountName": f"app-{number % 40}", "containers": [container],
                     "volumes": [{"name": f"v{index}", "configMap": {"name": f"c-{index}"}} for index in range(6)]},
            "status": {"phase": "Running", "conditions": [{"type": f"Condition{index}", "status": "True"} for index in range(5)]}}


def serve(pods: int, ready: Any) -> None:
    rows = [json.dumps(pod(number)).encode() for number in range(pods)]
    ready.put(sum(map(len, rows)))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = parse_qs(parts.query)
            begin, limit = int(query.get("continue", ["0"])[0]), int(query.get("limit", [str(pods)])[0])
            here = rows if parts.path == "/api/v1/pods" else []
            end = min(begin + limit, len(here))
            token = str(end) if end < len(here) else ""
            body = b'{"kind": "List", "metadata": {"continue": "%s"}, "items": [%s]}' % (token.encode(), b",".join(here[begin:end]))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    ready.put(server.server_address[1])
    server.serve_forever()


def peak() -> float:
    """MB of the most memory that this process had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def judge(port: int, answer: Any) -> None:
    known, rows = controls.load(), []
    for name in CONTROLS:
        row = known[name]
        params, _changed = control.parameters(row, {}, name)
        rows.append({"id": name, "mode": "automated", "per": "region", "params": params, "overridden": [], "reason": "",
                     "kinds": {key: spec["type"] for key, spec in row["params"].items()}, "check": row["check"]})
    plan = {"host": "c", "region": "eu", "controls": rows, "context": {"host": "c", "region": "eu"}}
    system = {"system": "kubernetes", "url": f"http://127.0.0.1:{port}", "tls": False, "token": "t"}
    started, used = time.monotonic(), time.process_time()
    results = assess(plan, {"systems": {"kubernetes": system}}, timeout=120)["results"]
    answer.put((time.monotonic() - started, time.process_time() - used, peak(), [f"{row['control']} {row['status']}" for row in results]))


def whole(port: int, answer: Any) -> None:
    started, used = time.monotonic(), time.process_time()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/pods") as stream:
        count = len(json.load(stream)["items"])
    answer.put((time.monotonic() - started, time.process_time() - used, peak(), [f"{count} pods"]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pods", type=int, default=5000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    spawn = multiprocessing.get_context("spawn")
    ready = spawn.Queue()
    server = spawn.Process(target=serve, args=(options.pods, ready), daemon=True)
    server.start()
    size, port = ready.get(timeout=120), ready.get(timeout=30)
    print(f"{options.pods} pods, {size / options.pods / 1024:.1f} KB each")
    for name, target in ((f"{len(CONTROLS)} controls", judge), ("baseline: one list, kept whole", whole)):
        seconds, processor, memory, said = [], [], [], []
        for _run in range(options.runs):
            answer = spawn.Queue()
            process = spawn.Process(target=target, args=(port, answer))
            process.start()
            one, own, most, said = answer.get(timeout=300)
            process.join()
            seconds.append(one)
            processor.append(own)
            memory.append(most)
        print(f"{name}: {statistics.median(seconds):.1f} s ({statistics.median(processor):.1f} s of one processor), "
              f"{max(memory):.0f} MB ({', '.join(said)})")
    server.terminate()


if __name__ == "__main__":
    main()
