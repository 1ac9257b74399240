"""A system's slos.yml in the bundle: rules, their tests and inhibitions, with the labels and links that every alert has."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from dashboards import naming, rules, slo
from dashboards.estate import Estate
from dashboards.load import Loaded
from dashboards.slo import proof

DASHBOARD, PANEL = "slo", "burn-rate"

@dataclass(frozen=True)
class SystemSlos:
    """The objectives of one system, rendered for an estate."""

    loaded: Loaded
    estate: Estate

    @cached_property
    def slos(self) -> list[slo.Slo]:
        return slo.load(self.loaded.slos, f"systems/{self.loaded.system.id}/slos.yml", period=self.estate.slo_period)

    def options(self, source: str = "prometheus") -> slo.Options:
        system = self.loaded.system
        # Names with capitals are known only when an alert is: the links are made for a stand-in and filled in by the template.
        runbook = naming.runbook_url(self.estate, system.id, "ALERT", source).replace(naming.anchor("ALERT"), "{alert_lower}")
        dashboard = naming.dashboard_url(self.estate, naming.dashboard_uid("observatory", DASHBOARD), naming.panel_id(PANEL),
                                         ("sloth_service", "sloth_slo"), source)
        return slo.Options(system=system.id, owner=system.owner, runbook_url=slo.Template(runbook), dashboard_url=slo.Template(dashboard))

    def alert_names(self) -> list[str]:
        """Every alert of every objective; each has its section in the system's runbook."""
        return list(dict.fromkeys(name for row in self.slos for name in slo.alert_names(row, self.options())))

    def files(self) -> list[tuple[str, str, str]]:
        """(path, kind, text) of each file: an objective has its own, for promtool evaluates all rules of a file in each of its tests."""
        found = []
        system = self.loaded.system.id
        for row in self.slos:
            for source in ("prometheus", "loki"):
                if slo.groups(row, self.options(source), source):
                    text = slo.render([row], self.options(source), source)
                    found.append((naming.rules_path(system, source, row.name), f"{source}_rules", text))
            tests = proof.proofs(row, f"../rules/{system}-slo-{row.name}.yml")
            if tests["tests"]:
                found.append((naming.tests_path(system, "prometheus", row.name), "prometheus_tests", rules.dump(tests)))
        return found

    def inhibit_rules(self) -> list[dict[str, Any]]:
        return slo.inhibitions(self.slos)


def of(loaded: Loaded, estate: Estate) -> SystemSlos | None:
    """None when the system declares no objective."""
    return SystemSlos(loaded, estate) if loaded.slos else None
