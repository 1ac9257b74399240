# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle that a test makes, and a service that loads rules from a host that is a directory."""

from __future__ import annotations

import glob
import hashlib
import json
import os
from types import SimpleNamespace

from ansible_collections.psf.observatory.plugins.module_utils.reconcile import ConcernError
from ansible_collections.psf.observatory.plugins.module_utils.rules import model
from ansible_collections.psf.observatory.plugins.module_utils.rules.converge import Converger, NeedsContent, Ruleset
from ansible_collections.psf.observatory.plugins.module_utils.rules.service import Service
from ansible_collections.psf.observatory.plugins.plugin_utils.content import Bundle, Part

# What an expression says to have the service misbehave.
BROKEN, FAILS, REFUSE, IGNORED = "BROKEN", "FAILS", "REFUSE", "IGNORED"


def alert(name="Down", expr="up == 0", **options):
    return {"alert": name, "expr": expr, "for": "1m", "labels": {"severity": "critical"}, "annotations": {"summary": "s"}, **options}


def group(*rules, name="g", **options):
    return {"name": name, "rules": list(rules), **options}


def rules(*groups):
    return {"groups": list(groups)}


def write_bundle(directory, files):
    """A bundle from path to (kind, content); content that is no text becomes JSON."""
    rows = []
    for path, (kind, content) in sorted(files.items()):
        text = content if isinstance(content, str) else json.dumps(content)
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        rows.append({"path": path, "kind": kind, "owner": "node", "sha256": hashlib.sha256(text.encode()).hexdigest()})
    (directory / "manifest.json").write_text(json.dumps({"format": 1, "environment": "test", "files": rows}), encoding="utf-8")
    return directory


class FakeService(Service):
    """Loads what lies behind the link when it is told to; all or nothing, as the real ones do."""

    name = "prometheus"

    def __init__(self, host, link):
        self.host, self.link = host, link
        self.loaded, self.at, self.answers, self.reloads, self.tried = [], 0, True, 0, []

    def reload(self):
        self.reloads += 1
        files = {}
        for path in sorted(glob.glob(os.path.join(self.host.real(self.host.link(self.link) or "/nothing"), "rules", "*.yml"))):
            with open(path, encoding="utf-8") as stream:
                files[os.path.basename(path)] = json.load(stream)["groups"]
        if REFUSE in json.dumps(files):
            raise ConcernError("the reload was refused: HTTP 500")
        self.at = self.host.now()
        if IGNORED not in json.dumps(files):
            self.loaded = [self._group(name, one) for name, groups in files.items() for one in groups]

    @staticmethod
    def _group(file, one):
        return {"name": one["name"], "file": "/x/" + file, "rules": [
            {"name": model.name_of(rule), "type": "alerting" if "alert" in rule else "recording", "query": "(%s)" % rule["expr"],
             "duration": model.duration(rule.get("for") or 0), "labels": rule.get("labels") or {},
             "annotations": rule.get("annotations") or {}, "health": "err" if FAILS in rule["expr"] else "ok",
             "lastError": "many-to-many" if FAILS in rule["expr"] else ""} for rule in one["rules"]]}

    def groups(self):
        if not self.answers:
            raise OSError("connection refused")
        return self.loaded

    def loaded_at(self):
        return self.at

    def trial(self, expression):
        if not self.answers:
            raise OSError("connection refused")
        self.tried.append(expression)
        return "parse error" if BROKEN in expression else ""


class Rig:
    """A host, a service, and a way to deploy bundles to it as action plugin and module do."""

    directory, link = "/etc/prometheus/content", "/etc/prometheus/content/current"

    def __init__(self, host, tmp_path):
        self.host, self.tmp_path, self.bundles = host, tmp_path, 0
        host.groups.add("prometheus")
        self.service = FakeService(host, self.link)
        self.calls = 0

    def bundle(self, files):
        self.bundles += 1
        return Bundle(write_bundle(self.tmp_path / f"bundle-{self.bundles}", files))

    def files(self, *groups, pages="hello"):
        return {"prometheus/rules/node.yml": ("prometheus_rules", rules(*groups)), "pages/index.html": ("page", pages)}

    def deploy(self, files=None, check=False, state="present", more=None, first=None, **options):
        """One task; `files` as `write_bundle` takes them, `more` goes with whole contents, files with the checksums `first` with the first
        call."""
        part = Part(self.bundle(files), "prometheus_rules") if files is not None else None
        content, self.calls = part and (part.short() if first is None else part.whole(first)), 0
        while True:
            self.calls += 1
            params = {"name": "prometheus_rules", "state": state, "directory": self.directory, "link": self.link, "inside": "",
                      "group": "prometheus", "promtool": None, "load_timeout": 10, "settle": 1, "trial_timeout": 5, "keep": 1,
                      "content": content, **options}
            converger = Converger(Ruleset(params), self.service, self.host, check)
            try:
                result = converger.run()
            except NeedsContent as needs:
                self.missing = needs.missing
                content = {**part.whole(needs.missing), **(more or {})}
                continue
            return SimpleNamespace(**result, warnings=converger.warnings, diff=converger.plan.diff(),
                                   steps=[(row["step"], row["target"]) for row in converger.plan.as_list()])

    def path(self, name):
        """Where a file of the version in use really is."""
        return os.path.join(self.host.real(self.host.link(self.link)), name)

    def loaded(self):
        return [rule["query"] for one in self.service.loaded for rule in one["rules"]]

    def versions(self):
        return sorted(name for name in self.host.list(self.directory) if name != "current" and not name.endswith(".json"))
