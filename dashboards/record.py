"""Record what a system's targets expose from a running Prometheus into its metrics.sample (`make record SYSTEM=<id>`)."""

from __future__ import annotations

import base64
import json
import re
import ssl
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dashboards import sample
from dashboards.load import Loaded
from dashboards.model import ContentError, require

TIMEOUT = 30
# Labels that say which machine it was, and change with each recording: kept as a fixed word, so that a new recording shows what changed.
VARYING = ("host", "instance", "grafana", "service_instance_id", "collector_instance_id", "host_name", "server_address",
           "fingerprint_sha256", "serialnumber", "subject", "subjectalternative")


@dataclass(frozen=True)
class Server:
    """A Prometheus and how to log in to it; `ca` is the file of its authority, `name` the host name that its certificate has."""

    url: str
    username: str = ""
    password: str = ""
    ca: str = ""

    def get(self, path: str, **query: str) -> Any:
        request = urllib.request.Request(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(query)}")
        if self.username:
            token = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
            request.add_header("Authorization", f"Basic {token}")
        context = ssl.create_default_context(cafile=self.ca or None) if self.url.startswith("https") else None
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT, context=context) as answer:
                return json.load(answer)["data"]
        except (OSError, ValueError) as error:
            detail = error.read().decode(errors="replace")[:200] if isinstance(error, urllib.error.HTTPError) else ""
            raise ContentError(f"{self.url}/api/v1/{path}: {error} {detail}".strip()) from error


def record(loaded: Loaded, server: Server) -> str:
    """The text of metrics.sample: every series of the system's jobs, its types, and the versions that were recorded. What could not be
    recorded before stays in it for as long as its jobs are not there."""
    system = loaded.system
    require(system.jobs, f"systems/{system.id}", "has no jobs to record")
    selector = f'{{job=~"{"|".join(system.jobs)}"}}'
    own, *others = (server.get("query", query=query)["result"] for query in (selector, *system.passing))
    require(own or any(others), f"{server.url}", f"has no series of {selector}; is the system running?")
    found = [*own, *(row for rows in others for row in rows)]
    types = {name: rows[0]["type"] for name, rows in server.get("metadata").items()}
    names = {row["metric"]["__name__"] for row in found}
    types = {name: kind for name, kind in types.items() if names & {name, f"{name}_bucket", f"{name}_sum", f"{name}_count",
                                                                    f"{name}_total"}}
    series = [({**row["metric"], **{key: "recorded" for key in VARYING if key in row["metric"]}}, row["value"][1]) for row in found]
    unique = {tuple(sorted(labels.items())): (labels, value) for labels, value in series}
    versions = sorted({f"{row['metric']['__name__'].removesuffix('_build_info')} {row['metric']['version']}" for row in own
                       if re.search(r"_build_info$", row["metric"]["__name__"]) and "version" in row["metric"]}
                      | {f"{row['metric']['service_name']} {row['metric']['service_version']}" for row in own
                         if "service_version" in row["metric"] and "service_name" in row["metric"]})
    header = [f"What {system.title} exposes, as its jobs ({', '.join(system.jobs)}) were scraped in the lab." if own else
              f"What {system.title} leaves under the jobs of others; its own ({', '.join(system.jobs)}) were not there.",
              f"Versions: {', '.join(versions) or 'not exposed'}", f"To record anew: make record SYSTEM={system.id}",
              f"{len(found)} series of {len(names)} names; at most a few of each name are kept, and every label that any had."]
    return sample.write(unique.values(), types, header) + ("" if own else loaded.sample.rest)


def write(loaded: Loaded, server: Server) -> Path:
    path = loaded.folder / "metrics.sample"
    path.write_text(record(loaded, server), encoding="utf-8")
    return path
