# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The declaration of a component as a typed model: every rule about options is checked here, before anything is touched."""

from __future__ import annotations

import os
import re
from urllib.parse import urlsplit

from ansible_collections.psf.observatory.plugins.module_utils.reconcile import ConcernError

ROOT = "/opt/psf"
STATE = "/var/lib/psf-observatory/components"
UNITS = "/etc/systemd/system"
ON_CHANGE = ("restart", "reload", "none")
NAME = re.compile(r"^[a-z][a-z0-9_-]{0,30}\Z")
ENV_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*\Z")


class WantedFile:
    """A file as it shall be. `owner`/`group` are names; `on_change` says what the service must do about a change."""

    def __init__(self, path, content, mode, owner, group, on_change, secret=False):
        self.path = path
        self.data = content.encode("utf-8")
        self.mode = mode
        self.owner = owner
        self.group = group
        self.on_change = on_change
        self.secret = secret


class Component:
    """A server on a host, as declared. Built from module parameters; raises ConcernError naming option and value."""

    def __init__(self, params):
        self.name = params["name"]
        if not NAME.match(self.name):
            raise ConcernError("name: %r is not a valid component name; use a-z, 0-9, - and _, beginning with a letter"
                               % self.name)
        self.absent = params["state"] == "absent"
        self.purge = params["purge"]
        self.running = params["running"]
        self.enabled = params["enabled"]
        self.user = params["user"] or self.name
        self.group = params["group"] or self.user
        self.config_dir = _absolute("config_dir", params["config_dir"] or "/etc/%s" % self.name)
        self.data_dir = _absolute("data_dir", params["data_dir"] or "/var/lib/%s" % self.name)
        self.artifact = params["resolved"]
        self.create_user = params["create_user"]
        self.timer = params["timer"]
        self.unit = params["unit"]
        self.reload = _reachable("reload", params["reload"])
        self.readiness = _reachable("readiness", params["readiness"])
        self.validate = params["validate"] or []
        self.exposure_max = params["exposure_max"]
        self.keep_versions = params["keep_versions"]
        if not self.absent and not (self.unit and self.unit.get("exec")):
            raise ConcernError("unit.exec: component %s declares no command to run" % self.name)
        if self.timer and not self.absent:
            self._job()
        self.directories = self._directories(params["directories"] or [])
        self.files = [] if self.absent else self._files(params)

    def _job(self):
        """What a job that a timer starts may not have, as nothing of it stays."""
        for option in ("reload", "readiness"):
            if getattr(self, option) is not None:
                raise ConcernError("%s: %s is run by a timer and ends by itself; only what stays can be asked" % (option, self.name))
        if not self.timer["calendar"]:
            raise ConcernError("timer.calendar: %s needs at least one time, like *-*-* 04:00:00" % self.name)
        for text in [*self.timer["calendar"], self.timer["random_delay"]]:
            if not text.strip() or "\n" in text:
                raise ConcernError("timer: %r is no time; see systemd.time(7)" % text)
        self.unit = dict(self.unit, type="oneshot")

    @property
    def main(self):
        """The unit that is started and enabled."""
        return self.name + (".timer" if self.timer else ".service")

    @property
    def timer_path(self):
        return "%s/%s.timer" % (UNITS, self.name)

    @property
    def home(self):
        return "%s/%s" % (ROOT, self.name)

    @property
    def current(self):
        return "%s/current" % self.home

    @property
    def unit_path(self):
        return "%s/%s.service" % (UNITS, self.name)

    @property
    def environment_path(self):
        return "%s/%s.env" % (self.config_dir, self.name)

    @property
    def state_dir(self):
        return "%s/%s" % (STATE, self.name)

    def version_dir(self, stamp):
        return "%s/versions/%s-%s" % (self.home, stamp["version"], stamp["id"][:12])

    def _directories(self, extra):
        rows = [
            {"path": self.config_dir, "owner": "root", "group": self.group, "mode": 0o750},
            {"path": self.data_dir, "owner": self.user, "group": self.group, "mode": 0o750},
        ]
        for index, row in enumerate(extra):
            where = "directories[%d]" % index
            rows.append({
                "path": _absolute(where + ".path", row["path"]),
                "owner": row["owner"] or self.user,
                "group": row["group"] or self.group,
                "mode": _mode(where + ".mode", row["mode"]),
            })
        return rows

    def _files(self, params):
        files = []
        for index, row in enumerate(params["files"] or []):
            where = "files[%d]" % index
            path = _absolute(where + ".path", row["path"])
            files.append(WantedFile(path, row["content"], _mode(where + ".mode", row["mode"]), row["owner"] or "root",
                                    row["group"] or self.group, row["on_change"]))
        on_change = params["secret_on_change"] or {}
        for path, impact in on_change.items():
            if path not in (params["secrets"] or {}) or impact not in ON_CHANGE:
                raise ConcernError("secret_on_change: %s: %r is not one of %s, or secrets has no such file"
                                   % (path, impact, ", ".join(ON_CHANGE)))
        for path, content in sorted((params["secrets"] or {}).items()):
            files.append(WantedFile(_absolute("secrets", path), str(content), 0o640, "root", self.group,
                                    on_change.get(path, "restart"), True))
        environment = dict(params["environment"] or {})
        environment.update(params["secret_environment"] or {})
        if environment:
            lines = []
            for key, value in sorted(environment.items()):
                if not ENV_NAME.match(key):
                    raise ConcernError("environment: %r is not a valid variable name" % key)
                if "\n" in str(value):
                    raise ConcernError("environment.%s: a value cannot have a line break" % key)
                escaped = str(value).replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$").replace("`", "\\`")
                lines.append('%s="%s"\n' % (key, escaped))
            files.append(WantedFile(self.environment_path, "".join(lines), 0o600, "root", "root", "restart",
                                    bool(params["secret_environment"])))
        seen = set()
        for item in files:
            if item.path in seen:
                raise ConcernError("files: %s is declared twice for component %s" % (item.path, self.name))
            seen.add(item.path)
        return files


def parse_environment(text):
    """Undo the quoting of an environment file for the validators' own environment."""
    found = {}
    for line in text.split("\n")[:-1]:
        key, _sep, value = line.partition("=")
        value = value[1:-1]
        for mark in ("`", "$", '"', "\\"):
            value = value.replace("\\" + mark, mark)
        found[key] = value
    return found


def _reachable(option, options):
    """The options of a request; an address that nobody could ever be asked at is refused now."""
    tcp, url = (options or {}).get("tcp"), (options or {}).get("url")
    if tcp and not (re.match(r"^.+:\d+\Z", tcp) and 0 < int(tcp.rpartition(":")[2]) < 65536):
        raise ConcernError("%s.tcp: %r is not host:port" % (option, tcp))
    if url:
        try:
            parts = urlsplit(url)
            good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            good = False
        if not good:
            raise ConcernError("%s.url: %r is not a URL (like http://127.0.0.1:9090/-/ready)" % (option, url))
    return options


def _absolute(option, path):
    if not path.startswith("/") or path.startswith("//") or os.path.normpath(path) != path.rstrip("/"):
        raise ConcernError("%s: %r is not a plain absolute path (like /etc/prometheus)" % (option, path))
    return path.rstrip("/")


def _mode(option, text):
    # Four digits: 0640 without quotes comes as the number 416, which must not pass for a mode.
    if not re.match(r"^0[0-7]{3}\Z", str(text)):
        raise ConcernError("%s: %r is not a mode; write it as a quoted octal number, like \"0640\"" % (option, text))
    return int(str(text), 8)
