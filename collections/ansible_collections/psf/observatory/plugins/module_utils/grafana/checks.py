# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this Grafana would refuse half-way, or take and never do: found before anything is written."""

from __future__ import annotations

from ansible_collections.psf.observatory.plugins.module_utils.grafana import alert_rules, model, notifications

# Options that are called otherwise than Grafana's fields.
OPTIONS = {"isPaused": "is_paused", "missingSeriesEvalsToResolve": "missing_series_evals_to_resolve"}
NEITHER = "is neither declared nor in Grafana"


class Checks:
    """server: the Sync, for its version, settings, kinds and world; wanted and found as in plan.py."""

    def __init__(self, server, wanted, found):
        self.server, self.wanted, self.found, self.wrong = server, wanted, found, []
        self.sources = set(getattr(server.kinds["datasource"], "uids", {})) | self.declared("datasource")
        self.libraries = {key for kind, key in list(wanted) + list(found) if kind == "library panel"}
        self.folders = set(server.world.folders) | self.declared("folder")
        self.dashboards = set(server.world.dashboards) | self.declared("dashboard")

    def declared(self, name):
        return {key for kind, key in self.wanted if kind == name}

    def problems(self):
        """One text each; empty when nothing is wrong."""
        for (kind, key), wanted in self.wanted.items():
            place = wanted.data.get("parent") if kind == "folder" else wanted.data.get("folder")
            if place and place not in self.folders:
                self.say(wanted, "folder %s %s" % (place, NEITHER))
            other = self.server.record.kept_by(kind, key)
            if other and other[1] != wanted.digest:
                self.say(wanted, "it is kept by the set %s (scope) too, which has it otherwise; declare it in one of them alone" % other[0])
            check = getattr(self, "_" + kind.replace(" ", "_"), None)
            if check:
                check(key, wanted)
        if self.server.version < (10, 0):
            self._titles()
        return self.wrong

    def say(self, wanted, text):
        self.wrong.append("%s: %s" % (wanted.label, text))

    # -- content -------------------------------------------------------------------------------------------------------
    def _dashboard(self, _key, wanted):
        types = self.server.settings.get("panels")
        if types:
            for title, name in model.panel_types_of(wanted.body):
                if name not in types:
                    self.say(wanted, "panel \"%s\": this Grafana has no panel type %s" % (title, name))
        for where, uid in model.data_sources_of(wanted.body):
            if uid not in self.sources:
                self.say(wanted, "%s: data source %s %s" % (where, uid, NEITHER))
        for where, uid in model.library_panels_of(wanted.body):
            if uid not in self.libraries and self.server.kinds["library panel"].reread(uid) is None:
                self.say(wanted, 'panel "%s": library panel %s %s' % (where, uid, NEITHER))

    def _folder(self, _key, wanted):
        if wanted.data["parent"] and not self.server.nested():
            self.say(wanted, "parent: this Grafana (%s) has no nested folders; they come with 11, or 10 and its switch nestedFolders"
                     % self.server.version_text)

    def _permissions(self, key, wanted):
        if key not in self.folders:
            self.say(wanted, "the folder %s" % NEITHER)

    def _home(self, _key, wanted):
        if wanted.data["uid"] not in self.dashboards:
            self.wrong.append("home_dashboard: dashboard %s %s" % (wanted.data["uid"], NEITHER))

    def _correlation(self, _key, wanted):
        for word in ("source", "target"):
            uid = wanted.data[word]
            if uid and uid not in self.sources:
                self.say(wanted, "%s: data source %s %s" % (word, uid, NEITHER))

    def _titles(self):
        titles = {row["title"].lower() for row in self.server.world.folders.values()}
        titles |= {wanted.data["title"].lower() for wanted in self.wanted.values() if wanted.kind == "folder"}
        for wanted in self.wanted.values():
            if wanted.kind == "dashboard" and wanted.data["title"].lower() in titles:
                self.say(wanted, "Grafana %s refuses a dashboard with the title of a folder; give one another title"
                         % self.server.version_text)

    # -- alerting ------------------------------------------------------------------------------------------------------
    def _alert_rule(self, key, wanted):
        data = wanted.data
        for name, query in data["data"].items():
            uid = query["datasourceUid"]
            if uid != alert_rules.EXPRESSION and uid not in self.sources:
                self.say(wanted, "query %s: data source %s %s" % (name, uid, NEITHER))
        for name, first in alert_rules.NEWER.items():
            if name in data and not self.server.kinds["alert rule"].keeps(name, first, self.server.version):
                self.say(wanted, "%s: this Grafana (%s) does not keep it; it comes with %d.%d"
                         % ((OPTIONS.get(name, name), self.server.version_text) + first))
        if "KeepLast" in (data.get("noDataState"), data.get("execErrState")) and self.server.version < alert_rules.KEEP_LAST:
            self.say(wanted, "KeepLast: this Grafana (%s) does not know it; it comes with %d.%d"
                     % ((self.server.version_text,) + alert_rules.KEEP_LAST))
        notes = data["annotations"]
        uid = notes.get("__dashboardUid__")
        if uid and uid not in self.dashboards:
            self.say(wanted, "annotations: dashboard %s %s" % (uid, NEITHER))
        elif uid and ("dashboard", uid) in self.wanted:
            panels = model.panel_ids_of(self.wanted["dashboard", uid].body)
            if notes.get("__panelId__") not in panels:
                self.say(wanted, "annotations: dashboard %s has no panel %s" % (uid, notes.get("__panelId__")))
        self._names(wanted, notifications.receivers_of(data.get("notification_settings") or {}),
                    notifications.timings_of(data.get("notification_settings") or {}))

    def _policies(self, _key, wanted):
        self._names(wanted, notifications.receivers_of(wanted.data), notifications.timings_of(wanted.data))
        if notifications.active_of(wanted.data) and self.server.version < notifications.ACTIVE_TIMES:
            self.say(wanted, "active_time_intervals: this Grafana (%s) does not keep them" % self.server.version_text)

    def _names(self, wanted, receivers, timings):
        """Names of contact points and mute timings; Grafana is asked only for those that are not declared."""
        left = receivers - {other.data["name"] for (kind, _key), other in self.wanted.items() if kind == "contact point"}
        for name in sorted(left - self.server.kinds["contact point"].names if left else ()):
            self.say(wanted, "contact point %s %s" % (name, NEITHER))
        left = timings - self.declared("mute timing")
        for name in sorted(left - self.server.kinds["mute timing"].names if left else ()):
            self.say(wanted, "mute timing %s %s" % (name, NEITHER))
