"""A system's slos.yml in the bundle: rules, their tests and inhibitions, with the labels and links that every alert has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dashboards.estate import Estate
from dashboards.load import Loaded


@dataclass(frozen=True)
class SystemSlos:
    """The objectives of one system, rendered."""

    loaded: Loaded
    estate: Estate

    def files(self) -> list[tuple[str, str, str]]:
        """(path, kind, text) of each file."""
        return []

    def inhibit_rules(self) -> list[dict[str, Any]]:
        return []


def of(loaded: Loaded, estate: Estate) -> SystemSlos | None:
    """None when the system declares no objective."""
    return SystemSlos(loaded, estate) if loaded.slos else None
