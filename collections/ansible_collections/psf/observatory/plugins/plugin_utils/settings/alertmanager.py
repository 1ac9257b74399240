# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of Alertmanager: the log that keeps every notification, the user's own routes, then a route for each owner and severity."""

from __future__ import annotations

from . import common
from .common import Settings, SettingsError

LOG = "alert_log"
NOBODY = "nobody"
# The alert that verify.yml sends: it is logged, and wakes nobody.
SYNTHETIC = "ObservatoryVerify"
# A page goes out at once; a ticket gathers first what belongs together. What is for information only reaches nobody, unless an
# owner says who.
TIMING: dict[str, Settings] = {
    "critical": {"group_wait": "10s", "group_interval": "1m", "repeat_interval": "4h"},
    "warning": {"group_wait": "2m", "group_interval": "10m", "repeat_interval": "24h"},
    "info": {"group_wait": "5m", "group_interval": "30m", "repeat_interval": "24h"},
}
Rows = list[Settings]


def build(options: Settings) -> Settings:
    """alertmanager.yml.

    options: receivers (list), route (the tree below the log), owners (owner to {severity: receiver}), inhibit_rules, time_intervals,
    bundle (what the rendered content adds: inhibit_rules, time_intervals), global, alert_logs (endpoints), tls.
    """
    receivers = list(options["receivers"])
    names = [row.get("name") for row in receivers]
    taken = {LOG, NOBODY} & set(names)
    if taken:
        raise SettingsError(f"alertmanager_receivers: the name {', '.join(sorted(taken))} is used by the collection itself")
    route = dict(options["route"])
    route.setdefault("receiver", names[0] if names else NOBODY)
    known = {*names, NOBODY, LOG}
    by_owner = _receivers(options["owners"], route["receiver"])
    for owner, row in by_owner.items():
        for severity, used in row.items():
            if used not in known - {LOG}:
                raise SettingsError(f"observatory_owners.{owner}.{severity}: receiver {used!r} is not one of alertmanager_receivers "
                                    f"({', '.join(map(str, names)) or 'none'}), nor {NOBODY}")
    for used in _used(route):
        if used not in known:
            raise SettingsError(f"alertmanager_route: receiver {used!r} is not one of alertmanager_receivers "
                                f"({', '.join(map(str, names)) or 'none'})")
    routes: Rows = [{"receiver": NOBODY, "matchers": [f'alertname="{SYNTHETIC}"']},
                    *(route.get("routes") or []), *_owner_routes(by_owner)]
    receivers.append({"name": NOBODY})
    if options["alert_logs"]:
        receivers.append({"name": LOG, "webhook_configs": [_webhook(row, options) for row in options["alert_logs"]]})
        log = {"receiver": LOG, "continue": True, "group_wait": "1s", "group_interval": "5s", "repeat_interval": "12h",
               "group_by": ["..."]}
        # A route's own receiver gets only what none of its routes takes. The log takes everything, so the others are in a tree beside it.
        routes = [log, {"receiver": route["receiver"], "routes": routes}]
    route["routes"] = routes
    route.setdefault("group_by", ["alertname", "region", "system"])
    settings: Settings = {"global": options["global"]} if options["global"] else {}
    settings |= {"route": route, "receivers": receivers}
    intervals = [row["name"] for row in _rows(options, "time_intervals")]
    double = sorted({name for name in intervals if intervals.count(name) > 1})
    if double:
        raise SettingsError(f"alertmanager_time_intervals: {', '.join(double)} is defined twice, or also by the bundle; use another name")
    for key in ("inhibit_rules", "time_intervals"):
        if rows := _rows(options, key):
            settings[key] = rows
    return settings


def _rows(options: Settings, key: str) -> Rows:
    """The bundle's first: they explain what it alerts on; then the user's own."""
    return list(options["bundle"].get(key) or []) + list(options[key])


def _receivers(owners: Settings, default: str) -> dict[str, dict[str, str]]:
    """Owner to severity to receiver, whole: what an owner does not say is the default receiver, and for info nobody."""
    found = {}
    for owner in sorted(owners):
        row = owners[owner] or {}
        for severity in row:
            if severity not in TIMING:
                raise SettingsError(f"observatory_owners.{owner}.{severity}: there is no such severity; there are {', '.join(TIMING)}")
        found[str(owner)] = {severity: str(row.get(severity) or (NOBODY if severity == "info" else default)) for severity in TIMING}
    return found


def _owner_routes(by_owner: dict[str, dict[str, str]]) -> Rows:
    """A route for each owner and severity; last, whatever else is for information only reaches nobody."""
    if not by_owner:
        return []
    routes = [{"matchers": [f'owner="{owner}"'], "routes": [
        {"matchers": [f'severity="{severity}"'], "receiver": receiver, **TIMING[severity]} for severity, receiver in row.items()]}
        for owner, row in by_owner.items()]
    return [*routes, {"matchers": ['severity="info"'], "receiver": NOBODY}]


def route_tests(options: Settings) -> list[list[str]]:
    """Commands for `validate` of the component: for every owner and severity, amtool must find the receiver that is declared."""
    names = [row.get("name") for row in options["receivers"]]
    default = options["route"].get("receiver") or (names[0] if names else NOBODY)
    log = [LOG] if options["alert_logs"] else []
    return [["{artifact}/amtool", "config", "routes", "test", "--config.file={config}/alertmanager.yml",
             f"--verify.receivers={','.join([*log, receiver])}", f"owner={owner}", f"severity={severity}"]
            for owner, row in _receivers(options["owners"], default).items() for severity, receiver in row.items()]


def _webhook(row: Settings, options: Settings) -> Settings:
    webhook: Settings = {"url": f"{row['url']}/notifications", "send_resolved": True}
    if options["tls"]:
        webhook["http_config"] = {"tls_config": common.client_tls()}
    return webhook


def _used(route: Settings) -> list[str]:
    found = [route["receiver"]] if route.get("receiver") else []
    for child in route.get("routes") or []:
        found += _used(child)
    return found
