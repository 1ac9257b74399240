# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Grafana under test: the double, or a real server when GRAFANA_URL is set (with GRAFANA_USER and GRAFANA_PASSWORD, of a server admin).

What a person does by hand goes through the API, so it is the same for both. Each rig has names and uids of its own.
"""

from __future__ import annotations

import copy
import itertools
import os

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.psf.observatory.plugins.module_utils.grafana.client import Client
from ansible_collections.psf.observatory.plugins.module_utils.grafana.sync import Sync
from ansible_collections.psf.observatory.plugins.modules import grafana_content

REAL = os.environ.get("GRAFANA_URL")
NUMBERS = itertools.count(1)


class Outcome:
    def __init__(self, sync, result):
        self.warnings, self.result = sync.warnings, result
        self.diff = sync.plan.diff()
        for key, value in result.items():
            setattr(self, key, value)
        self.steps = [(row["step"], row["target"]) for row in result["plan"]]
        self.verbs = sorted({row["step"] for row in result["plan"]})


class Rig:
    def __init__(self, double=None):
        self.double = double
        self.url = double.url if double else REAL
        self.user = "admin" if double else os.environ.get("GRAFANA_USER", "admin")
        self.password = "admin" if double else os.environ.get("GRAFANA_PASSWORD", "admin")
        self.tag = "t%d-%d" % (os.getpid() % 10000, next(NUMBERS))
        self.hand = Client(self.url, self.user, self.password, use_proxy=False)
        self.slept = []

    def uid(self, name):
        return "%s-%s" % (self.tag, name)

    def title(self, name):
        return "%s %s" % (name, self.tag)

    # -- declarations --------------------------------------------------------------------------------------------------
    def folder(self, name="f", **more):
        if more.get("parent"):
            more["parent"] = self.uid(more["parent"])
        return {"uid": self.uid(name), "title": self.title(more.pop("title", "Folder " + name)), **more}

    def dashboard(self, name="d", folder="f", title=None, expr="up", **more):
        panel = {"id": 1, "type": "timeseries", "title": "CPU", "gridPos": {"h": 8, "w": 12, "x": 0, "y": 0},
                 "datasource": {"type": "prometheus", "uid": "${prometheus}"}, "targets": [{"refId": "A", "expr": expr}]}
        model = {"uid": self.uid(name), "title": self.title(title or "Dash " + name), "tags": ["psf"], "schemaVersion": 37,
                 "panels": [panel], **more}
        return {"model": model, "folder": self.uid(folder) if folder else ""}

    def source(self, name="prom", kind="prometheus", **more):
        return {"uid": self.uid(name), "name": self.title(more.pop("title", name)), "type": kind, "url": "http://127.0.0.1:9", **more}

    def rule(self, name="r", expr="up", title=None, **more):
        return {"uid": self.uid(name), "title": self.title(title or "Rule " + name), "condition": "B", "for": "5m",
                "labels": {"severity": "warning"}, "annotations": {"summary": "s"}, "data": [
                    {"refId": "A", "datasourceUid": self.uid("prom"), "relativeTimeRange": {"from": 600, "to": 0},
                     "model": {"expr": expr, "instant": True}},
                    {"refId": "B", "datasourceUid": "__expr__", "model": {"type": "math", "expression": "$A < 1"}}], **more}

    def group(self, *rules, name="g", folder="f", **more):
        return {"name": self.title(name), "folder": self.uid(folder), "rules": list(rules) or [self.rule()], **more}

    def point(self, name="p", title=None, **more):
        return {"uid": self.uid(name), "name": self.title(title or "Point " + name), "type": "webhook",
                "settings": {"url": "http://127.0.0.1:9/hook"}, **more}

    def alerting(self, **more):
        """One of each."""
        return {"folders": [self.folder()], "datasources": [self.source()], "rule_groups": [self.group()],
                "contact_points": [self.point(secure_settings={"password": "correct-horse"})],
                "mute_timings": [{"name": self.title("nights"), "time_intervals": [
                    {"times": [{"start_time": "22:00", "end_time": "24:00"}], "weekdays": ["Monday:friday"], "months": ["may", "1:3"]}]}],
                "notification_templates": [{"name": self.title("text"), "template": "hello {{ .Status }}"}],
                "policies": {"receiver": self.title("Point p"), "group_by": ["alertname"], "group_wait": "90s", "routes": [
                    {"matchers": ['team="a"', "env!=dev"], "mute_time_intervals": [self.title("nights")]},
                    {"object_matchers": [["severity", "=~", "critical|page"]], "receiver": self.title("Point p"), "continue": True}]},
                **more}

    # -- runs ----------------------------------------------------------------------------------------------------------
    def sync(self, check=False, **params):
        params = {"url": self.url, "username": self.user, "password": self.password, "scope": self.tag, "use_proxy": False, **params}
        if params.get("token"):
            params["username"] = params["password"] = None
        checked = ArgumentSpecValidator(grafana_content.argument_spec()).validate(copy.deepcopy(params))
        assert not checked.error_messages, checked.error_messages
        client = grafana_content.client(checked.validated_parameters)
        if self.double:
            client.sleep, client.jitter = self.slept.append, lambda: 1.0
        self.last = Sync(client, checked.validated_parameters, check)
        return Outcome(self.last, self.last.run())

    # -- by hand -------------------------------------------------------------------------------------------------------
    def get(self, path):
        return self.hand.get(path, "by hand", missing=True)

    def call(self, method, path, body=None):
        return self.hand.call(method, path, "by hand", body)

    def model(self, name):
        answer = self.get("/api/dashboards/uid/" + self.uid(name))
        return answer and answer["dashboard"]

    def place(self, name):
        return self.get("/api/dashboards/uid/" + self.uid(name))["meta"]["folderUid"]

    def edit(self, name, **changes):
        """Change a dashboard as a person would: on top of what is there."""
        answer = self.get("/api/dashboards/uid/" + self.uid(name))
        self.call("POST", "/api/dashboards/db", {"dashboard": {**answer["dashboard"], **changes}, "folderUid": answer["meta"]["folderUid"]})

    def clean(self):
        self.sync(state="absent")
        self.hand.close()
