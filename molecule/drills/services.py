"""What a region's Prometheus and Alertmanager say of alerts, and whether the links of an alert lead somewhere."""

from __future__ import annotations

import base64
import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

PROMETHEUS, ALERTMANAGER = 9090, 9093


@dataclass(frozen=True)
class Alert:
    """An alert as a service holds it. state: pending, firing (Prometheus); active, suppressed (Alertmanager)."""

    state: str
    labels: dict[str, str]
    annotations: dict[str, str]
    inhibited: bool = False


class Web:
    """HTTPS with the lab's authority and the account of machines."""

    def __init__(self, ca: Path, user: str, password: str) -> None:
        self.context = ssl.create_default_context(cafile=str(ca))
        self.login = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    def get(self, url: str, timeout: float = 10) -> str:
        """The body. Raises OSError (urllib.error.HTTPError and others are)."""
        request = urllib.request.Request(url, headers={"Authorization": self.login})
        with urllib.request.urlopen(request, timeout=timeout, context=self.context) as answer:
            return str(answer.read().decode())

    def prometheus(self, address: str) -> list[Alert]:
        """All alerts that are pending or firing."""
        data = json.loads(self.get(f"https://{address}:{PROMETHEUS}/api/v1/alerts"))["data"]["alerts"]
        return [Alert(row["state"], row["labels"], row.get("annotations", {})) for row in data]

    def alertmanager(self, address: str) -> list[Alert]:
        """All alerts that it holds."""
        data: list[dict[str, Any]] = json.loads(self.get(f"https://{address}:{ALERTMANAGER}/api/v2/alerts"))
        return [Alert(row["status"]["state"], row["labels"], row.get("annotations", {}), bool(row["status"]["inhibitedBy"]))
                for row in data]

    def receivers(self, address: str) -> set[str]:
        """Names of the receivers that it is configured with."""
        return {row["name"] for row in json.loads(self.get(f"https://{address}:{ALERTMANAGER}/api/v2/receivers"))}

    def link(self, url: str) -> str:
        """"ok", or what is wrong with a link: no answer, or no such place in the page."""
        address, _hash, place = url.partition("#")
        if not address.startswith("https://") or "<" in url or "{{" in url:
            return f"is not a link: {url!r}"
        try:
            page = self.get(urllib.parse.quote(address, safe=":/?&=%,.-_"))
        except urllib.error.HTTPError as error:
            return f"{address} answers {error.code}"
        except OSError as error:
            return f"{address} does not answer: {error}"
        if not place or place not in ids(page):
            return f"{address} has no place #{place}"
        return "ok"


class _Ids(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {value for name, value in attrs if name == "id" and value}


def ids(page: str) -> set[str]:
    """Every id in a page."""
    parser = _Ids()
    parser.feed(page)
    return parser.found
