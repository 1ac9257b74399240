# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the objects of Grafana's alerting are read and written: its provisioning API, whose objects have no version to lock by.

Contact points, templates, mute timings and policies are one stored document, so they are written one after the other. An object whose
provenance is not this API's belongs to files of the server. Everything else as in base.py.
"""

from __future__ import annotations

from ansible_collections.psf.observatory.plugins.module_utils.grafana import alert_rules, durations, notifications
from ansible_collections.psf.observatory.plugins.module_utils.grafana.base import Found, Kind, Listed
from ansible_collections.psf.observatory.plugins.module_utils.grafana.client import ApiError, quoted

API = "/api/v1/provisioning"
# What a tree is when nobody has written to it; its receiver has had several names.
DEFAULT_GROUPS = ["grafana_folder", "alertname"]
DEFAULT_RECEIVER = "grafana-default-email"
FREE = {"X-Disable-Provenance": "true"}


def foreign(row):
    """Whether an object is held by something that is neither a person nor this API: files, most of all."""
    return row.get("provenance") not in (None, "", "api")


class Alerting(Kind):
    locks = False

    def write(self, method, path, key, data, body):
        """A write; with the header that leaves an object editable in the UI, where that is asked for and Grafana allows it."""
        about = self.about(key, data)
        if not self.world.editable:
            return self.client.call(method, API + path, about, body)
        try:
            return self.client.call(method, API + path, about, body, headers=FREE)
        except ApiError as error:
            if "provenance" not in error.said:
                raise
        # What this API has written before cannot be set free in every version.
        return self.client.call(method, API + path, about, body)

    def delete_at(self, path, key, data):
        self.client.call("DELETE", API + path, self.about(key, data), missing=True)


class ListedAlerting(Listed, Alerting):
    workers = 1
    path, about_all, key = "", "", "name"

    rows = None

    def _all(self):
        self.rows = rows = self.client.get(API + self.path, self.about_all, missing=True) or []
        return {row[self.key]: self.found(row) for row in rows if row.get(self.key)}

    @property
    def names(self):
        if self.rows is None:
            self._all()
        return {row.get("name") or "" for row in self.rows}

    def delete(self, key, found):
        self.delete_at("%s/%s" % (self.path, quoted(key)), key, found.data)


class Template(ListedAlerting):
    name = "notification template"
    path, about_all = "/templates", "notification templates"

    @staticmethod
    def found(row):
        return Found(notifications.template(row), raw=row, provisioned=foreign(row))

    def create(self, wanted):
        self.write("PUT", "%s/%s" % (self.path, quoted(wanted.key)), wanted.key, wanted.data, {"template": wanted.data["template"]})

    def change(self, wanted, found):
        self.create(wanted)


class MuteTiming(ListedAlerting):
    name = "mute timing"
    path, about_all = "/mute-timings", "mute timings"

    @staticmethod
    def found(row):
        return Found(notifications.mute_timing(row), raw=row, provisioned=foreign(row))

    def create(self, wanted):
        self.write("POST", self.path, wanted.key, wanted.data, wanted.data)

    def change(self, wanted, found):
        self.write("PUT", "%s/%s" % (self.path, quoted(wanted.key)), wanted.key, wanted.data, wanted.data)


class ContactPoint(ListedAlerting):
    name = "contact point"
    secret = True
    path, about_all, key = "/contact-points", "contact points", "uid"

    @property
    def names(self):
        # The one that every Grafana has is listed by another name than the one it is used by.
        return super().names | {DEFAULT_RECEIVER}

    def others(self, name, but):
        """Whether a contact point of this name has receivers beside these uids."""
        return any(row.get("name") == name and row.get("uid") not in but for row in self.rows)

    def found(self, row):
        data, secrets = notifications.contact_point(row, self.hidden.get(row["uid"], ()))
        return Found(data, raw=row, provisioned=foreign(row), secrets=secrets)

    @staticmethod
    def _body(wanted):
        # A secret that is left out is removed.
        return dict(wanted.data, uid=wanted.key, settings=dict(wanted.data["settings"], **wanted.secrets))

    def create(self, wanted):
        self.write("POST", self.path, wanted.key, wanted.data, self._body(wanted))

    def change(self, wanted, found):
        self.write("PUT", "%s/%s" % (self.path, quoted(wanted.key)), wanted.key, wanted.data, self._body(wanted))


class Policies(Alerting):
    """The tree is one object; without it, Grafana has one of its own."""
    name = "policies"
    workers = 1

    def reread(self, key):
        row = self.client.get(API + "/policies", "notification policies", missing=True)
        if row is None:
            return None
        data = notifications.policies(row)
        initial = not row.get("provenance") and set(data) <= {"receiver", "group_by"} and data.get("group_by") in (None, DEFAULT_GROUPS)
        return Found(data, raw=row, provisioned=foreign(row), initial=initial)

    def create(self, wanted):
        self.write("PUT", "/policies", wanted.key, wanted.data, wanted.data)

    def change(self, wanted, found):
        self.create(wanted)

    def delete(self, key, found):
        self.delete_at("/policies", key, found.data)


class AlertRule(Alerting):
    name = "alert rule"
    rows = None

    def _all(self):
        rows = self.client.get(API + "/alert-rules", "alert rules", missing=True) or []
        self.rows = {row["uid"]: row for row in rows}
        return self.rows

    def places(self):
        """uid to folder of every rule, also of others."""
        if self.rows is None:
            try:
                self._all()
            except ApiError as error:
                if error.status not in (403, 404):
                    raise
                self.rows = {}
        return {uid: row.get("folderUID") or "" for uid, row in self.rows.items()}

    def keeps(self, field, first, version):
        """Whether this Grafana keeps a field of newer versions: by its rules where there are any that tell, else by its version."""
        if field == "isPaused" and self.rows:
            return any(field in row for row in self.rows.values())
        return version >= first

    @staticmethod
    def _found(row):
        return Found(alert_rules.rule(row), raw=row, provisioned=foreign(row))

    def read(self, keys):
        rows = self._all()
        return {key: self._found(rows[key]) for key in keys if key in rows}

    read_back = read

    def settled(self, key, found):
        # In older versions the list does not tell the provenance.
        return found if "provenance" in found.raw else self.reread(key) or found

    def reread(self, key):
        try:
            row = self.client.get("%s/alert-rules/%s" % (API, quoted(key)), "alert rule %s" % key, missing=True)
        except ApiError as error:
            if error.status == 500 and "could not find alert rule" in error.said:
                return None
            raise
        return row and self._found(row)

    def _body(self, wanted):
        return alert_rules.rule_body(wanted.key, wanted.data, self.world.org_id)

    def create(self, wanted):
        answer = self.write("POST", "/alert-rules", wanted.key, wanted.data, self._body(wanted))
        self.same_uid(answer["uid"], wanted.key, wanted)

    def change(self, wanted, found):
        self.write("PUT", "/alert-rules/%s" % quoted(wanted.key), wanted.key, wanted.data, self._body(wanted))

    def delete(self, key, found):
        self.delete_at("/alert-rules/%s" % quoted(key), key, found.data)


class RuleGroup(Alerting):
    """What a group has beside its rules: its interval. The key is folder/name."""
    name = "rule group"
    # It goes with its last rule.
    prunes = False

    @staticmethod
    def _path(key):
        return "/folder/%s/rule-groups/%s" % tuple(quoted(part) for part in key.split("/", 1))

    def reread(self, key):
        row = self.client.get(API + self._path(key), "rule group %s" % key, missing=True)
        if row is None:
            return None
        return Found({"interval": durations.duration(row.get("interval") or 0)}, raw=row)

    def settled(self, key, found):
        rules = self.client.map(lambda row: self.client.get("%s/alert-rules/%s" % (API, quoted(row["uid"])), "alert rule %s" % row["uid"]),
                                [row for row in found.raw.get("rules") or [] if "provenance" not in row])
        if any(foreign(row) for row in rules + (found.raw.get("rules") or [])):
            return Found(found.data, raw=found.raw, provisioned=True)
        return found

    def create(self, wanted):
        # Without rules, only the interval is written.
        folder, name = wanted.key.split("/", 1)
        self.write("PUT", self._path(wanted.key), wanted.key, wanted.data, {
            "title": name, "folderUid": folder, "interval": durations.seconds(wanted.data["interval"])})

    def change(self, wanted, found):
        self.create(wanted)

    def delete(self, key, found):
        """Nothing: it is gone when its rules are."""


CLASSES = {kind.name: kind for kind in (Template, MuteTiming, ContactPoint, Policies, AlertRule, RuleGroup)}
