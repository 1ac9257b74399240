# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Provisioning files on a host: compared, planned, put in place together, and put back together when Grafana refuses them.

The record of what is ours is a file: paths to sha256, the objects that have to be named to be deleted, and those that are. It is
written before anything else with all that may become ours, so an interrupted run is completed by the next.
"""

from __future__ import annotations

import contextlib
import grp
import hashlib
import json
import os

from ansible_collections.psf.observatory.plugins.module_utils.grafana import compare
from ansible_collections.psf.observatory.plugins.module_utils.reconcile import ConcernError, Plan, atomic_write

FORMAT = 1
MODE, SECRET_MODE, DIRECTORY_MODE = 0o640, 0o640, 0o750


def digest(data):
    return hashlib.sha256(data).hexdigest()


class Store:
    """record: path of the record; group: who may read the files, beside root."""

    def __init__(self, record, group, own):
        self.path, self.group, self.own = record, group, own
        self.files, self.objects, self.gone = {}, {}, {}

    def load(self):
        data = _read(self.path)
        if data is None:
            return
        try:
            found = json.loads(data)
            if found["format"] != FORMAT:
                raise KeyError("format")
            self.files, self.objects, self.gone = found["files"], found["objects"], found["gone"]
        except (ValueError, KeyError, TypeError) as error:
            raise ConcernError("%s, the record of what is ours, is damaged or of another version of this module; remove it, and then the "
                               "files with psf- in their names that Grafana's provisioning directory has" % self.path) from error

    def save(self, files, objects, gone):
        if not files and not any(gone.values()):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path)
            return
        os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
        text = json.dumps({"format": FORMAT, "files": files, "objects": objects, "gone": gone}, indent=1, sort_keys=True) + "\n"
        atomic_write(self.path, text.encode(), 0o600, os.geteuid(), os.getegid())

    # -- plan ----------------------------------------------------------------------------------------------------------
    def plan(self, wanted):
        """(Plan, drift, what has to be written, what has to go). wanted: path to files.Text."""
        plan, drift, writes, removals = Plan(), [], {}, []
        for path, one in sorted(wanted.items()):
            data, now = one.text.encode(), _read(path)
            if now is not None and path not in self.files and now != data and not _inside(path, self.own):
                raise ConcernError("%s is there and was not made by this module; move it away, or choose another scope" % path)
            known = self.files.get(path)
            if now == data and self._mode_is_right(path):
                continue
            if known and (now is None or digest(now) != known) and now != data:
                drift.append({"path": path, "found": "deleted" if now is None else "edited", "done": "overwritten"})
            writes[path] = data
            self._step(plan, path, one, now)
        for path in sorted(set(self.files) - set(wanted)):
            now = _read(path)
            if now is not None:
                removals.append(path)
                secret = path.startswith(self.own[1] + "/")
                plan.add("delete", path, before=_text(now), secret=secret)
        return plan, drift, writes, removals

    @staticmethod
    def _step(plan, path, one, now):
        verb = "create" if now is None else "change"
        if one.secret:
            plan.add(verb, path, before=None if now is None else "secret", after="secret", secret=True)
            return
        if one.about is None:
            plan.add(verb, path, before=None if now is None else _text(now), after=one.text)
            return
        try:
            old = compare.dashboard(json.loads(now)) if now is not None else {}
        except (ValueError, AttributeError):
            old = {}
        rows = compare.differences(old, {name: value for name, value in one.about.data.items() if name != "folder"})
        before, after = compare.as_texts(rows)
        plan.add(verb, one.about.label, before=None if now is None else before, after=after)

    def _mode_is_right(self, path):
        found = os.stat(path)
        return found.st_mode & 0o777 == MODE and (os.geteuid() != 0 or found.st_gid == self._gid())

    def _gid(self):
        try:
            return grp.getgrnam(self.group).gr_gid
        except KeyError as error:
            raise ConcernError("group: %s does not exist on this host; install Grafana first, or name the group that it runs as"
                               % self.group) from error

    # -- apply ---------------------------------------------------------------------------------------------------------
    def apply(self, wanted, writes, removals, objects, gone, confirm):
        """Put all in place, or leave all as it was. confirm: called at the end; what it raises takes everything back."""
        gid = self._gid() if os.geteuid() == 0 else os.getegid()
        target = {path: digest(one.text.encode()) for path, one in wanted.items()}
        before = {path: _read(path) for path in list(writes) + removals}
        old = dict(self.files)
        for path in set(old) | set(writes):
            # Of a run that was killed before it put a file in place.
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                os.unlink(path + ".psf-new")
        # All that may become ours; what is known to be there keeps its hash.
        self.save(dict(dict.fromkeys(writes, ""), **old), self.objects, gone)
        try:
            for path, data in writes.items():
                self._directories(path, gid)
                self._write(path, data, gid)
            for path in removals:
                os.unlink(path)
            confirm()
        except BaseException:
            self._restore(before, gid)
            self.save(old, self.objects, self.gone)
            raise
        self.save(target, objects, gone)
        self._tidy(removals)

    def _write(self, path, data, gid):
        try:
            atomic_write(path, data, SECRET_MODE if path.startswith(self.own[1] + "/") else MODE, os.geteuid(), gid)
        except OSError as error:
            raise ConcernError("%s: %s" % (path, error.strerror or error)) from error

    def _directories(self, path, gid):
        missing, at = [], os.path.dirname(path)
        while not os.path.isdir(at):
            missing.append(at)
            at = os.path.dirname(at)
        for at in reversed(missing):
            os.mkdir(at, DIRECTORY_MODE)
            os.chmod(at, DIRECTORY_MODE)
            if os.geteuid() == 0:
                os.chown(at, 0, gid)

    def _restore(self, before, gid):
        for path, data in before.items():
            with contextlib.suppress(OSError, ConcernError):
                if data is None:
                    if os.path.exists(path):
                        os.unlink(path)
                else:
                    self._write(path, data, gid)

    def _tidy(self, removals):
        """Directories of ours that are empty now."""
        for path in removals:
            at = os.path.dirname(path)
            while _inside(at, self.own) or at in self.own:
                try:
                    os.rmdir(at)
                except OSError:
                    break
                at = os.path.dirname(at)


def _inside(path, directories):
    return any(path.startswith(directory + "/") for directory in directories)


def _read(path):
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ConcernError("%s: %s" % (path, error.strerror)) from error


def _text(data):
    return data.decode("utf-8", "replace")
