# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of Alertmanager: the user's route and receivers, and before them the log that keeps every notification."""

from __future__ import annotations

from . import common
from .common import Settings, SettingsError

LOG = "alert_log"
NOBODY = "nobody"
# The alert that verify.yml sends: it is logged, and wakes nobody.
SYNTHETIC = "ObservatoryVerify"


def build(options: Settings) -> Settings:
    """alertmanager.yml.

    options: receivers (list), route (the tree below the log), inhibit_rules, time_intervals, global, alert_logs (endpoints), tls.
    """
    receivers = list(options["receivers"])
    names = [row.get("name") for row in receivers]
    taken = {LOG, NOBODY} & set(names)
    if taken:
        raise SettingsError(f"alertmanager_receivers: the name {', '.join(sorted(taken))} is used by the collection itself")
    route = dict(options["route"])
    route.setdefault("receiver", names[0] if names else NOBODY)
    known = {*names, NOBODY, LOG}
    for used in _used(route):
        if used not in known:
            raise SettingsError(f"alertmanager_route: receiver {used!r} is not one of alertmanager_receivers "
                                f"({', '.join(map(str, names)) or 'none'})")
    own: list[Settings] = []
    if options["alert_logs"]:
        receivers.append({"name": LOG, "webhook_configs": [_webhook(row, options) for row in options["alert_logs"]]})
        own.append({"receiver": LOG, "continue": True, "group_wait": "1s", "group_interval": "5s", "repeat_interval": "12h",
                    "group_by": ["..."]})
    own.append({"receiver": NOBODY, "matchers": [f'alertname="{SYNTHETIC}"']})
    receivers.append({"name": NOBODY})
    route["routes"] = own + list(route.get("routes") or [])
    route.setdefault("group_by", ["alertname", "region", "system"])
    settings: Settings = {"global": options["global"]} if options["global"] else {}
    settings |= {"route": route, "receivers": receivers}
    for key in ("inhibit_rules", "time_intervals"):
        if options[key]:
            settings[key] = options[key]
    return settings


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
