# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Content on a host: each version of it in a directory named by its digest, and a symlink to the one in use.

<directory>/<name>/...    the files of a version; it is never changed once it has its name
<directory>/<name>.json   digest, files (path to sha256) and groups of that version
<link>                    points to the version in use (to its subdirectory `inside`, where a service wants it so)
<state>/state.json        the versions that we made, and when the last ones with other rules were put in use
<state>/transaction.json  from before a swap until the service confirmed it
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import shutil
import zlib

from ansible_collections.psf.observatory.plugins.module_utils.reconcile import ConcernError


class Store:
    def __init__(self, host, directory, link, inside, group, state):
        self.host = host
        self.directory = directory
        self.link = link
        self.inside = inside
        self.group = group
        self.state_dir = state

    # -- what is there -------------------------------------------------------------------------------------------------
    def current(self):
        """Name of the version in use, or None."""
        target = self.host.link(self.link)
        if not target or not target.startswith(self.directory + "/"):
            return None
        return target[len(self.directory) + 1:].split("/")[0]

    def about(self, name):
        """What a version holds: {"digest", "files", "groups"}; empty when it is not known, or its record is damaged."""
        about = self._record("%s/%s.json" % (self.directory, name)) if name else None
        return about if about and isinstance(about.get("groups"), list) and isinstance(about.get("files"), dict) else {}

    def _record(self, path):
        """A record that we wrote; None where there is none, or it is damaged."""
        found = self.host.read_json(path)
        return found if isinstance(found, dict) else None

    def found(self, name):
        """Path to sha256 of every file of a version as it is now; anything that is not a plain file has the hash ""."""
        top, found = self.host.real("%s/%s" % (self.directory, name)), {}
        for folder, folders, names in os.walk(top):
            for entry in names + [f for f in folders if os.path.islink(os.path.join(folder, f))]:
                path = os.path.join(folder, entry)
                if os.path.islink(path) or not os.path.isfile(path):
                    found[os.path.relpath(path, top)] = ""
                    continue
                with open(path, "rb") as stream:
                    found[os.path.relpath(path, top)] = hashlib.sha256(stream.read()).hexdigest()
        return found

    def state(self):
        return self._record(self.state_dir + "/state.json") or {}

    def pending(self):
        """The record of a run that did not end; one that cannot be read still says that there was such a run."""
        path = self.state_dir + "/transaction.json"
        found = self._record(path)
        if found is not None and "previous" in found and isinstance(found.get("state"), dict):
            return found
        return {} if self.host.read(path) is not None else None

    # -- making a version ----------------------------------------------------------------------------------------------
    def stage(self, top, files, data, spare):
        """Write `files` (path to sha256) under `top`, from `data` (sha256 to packed bytes) and `spare` (sha256 to a path here)."""
        ids = (0, self.host.gid(self.group)) if self.host.gid(self.group) is not None else None
        folders = {top}
        for path, digest in sorted(files.items()):
            target = os.path.join(top, path)
            folder = os.path.dirname(target)
            while len(folder) > len(top):
                folders.add(folder)
                folder = os.path.dirname(folder)
            os.makedirs(os.path.dirname(target), mode=0o750, exist_ok=True)
            with open(target, "wb") as stream:
                stream.write(self._bytes(path, digest, data, spare))
            self._own(target, 0o640, ids)
        for folder in folders:
            os.makedirs(folder, exist_ok=True)
            self._own(folder, 0o750, ids)

    def _own(self, path, mode, ids):
        os.chmod(path, mode)
        if ids and os.getuid() == 0:
            os.chown(path, *ids)

    @staticmethod
    def _bytes(path, digest, data, spare):
        if digest in data:
            try:
                content = zlib.decompress(base64.b64decode(data[digest]))
            except (ValueError, binascii.Error, zlib.error) as error:
                raise ConcernError("%s was damaged on its way to the host: %s" % (path, error)) from error
        else:
            with open(spare[digest], "rb") as stream:
                content = stream.read()
        if hashlib.sha256(content).hexdigest() != digest:
            raise ConcernError("%s was damaged on its way to the host: its sha256 is not %s" % (path, digest))
        return content

    def new_name(self, digest):
        """A name for a new version; one that is taken by damaged files of the same digest is passed over."""
        name, number = digest, 0
        while os.path.lexists(self.host.real("%s/%s" % (self.directory, name))):
            number += 1
            name = "%s-%d" % (digest, number)
        return name

    def staging(self):
        """An empty directory on the file system of the versions; what an interrupted run left there goes."""
        path = self.host.real(self.directory + "/.new")
        shutil.rmtree(path, ignore_errors=True)
        return path

    def prepare(self):
        gid = self.host.gid(self.group)
        if gid is None:
            raise ConcernError("group: group %s does not exist on this host; install the service first" % self.group)
        for path in (self.directory, os.path.dirname(self.link)):
            if self.host.directory(path) is None:
                self.host.make_directory(path, 0o750, 0, gid)

    def install(self, staged, name, about):
        self.host.write_json("%s/%s.json" % (self.directory, name), about)
        os.rename(staged, self.host.real("%s/%s" % (self.directory, name)))

    # -- putting it in use ---------------------------------------------------------------------------------------------
    def begin(self, record):
        self.host.make_directory(self.state_dir, 0o700)
        self.host.write_json(self.state_dir + "/transaction.json", record)

    def swap(self, name):
        """Use another version, or none."""
        if name is None:
            self.host.remove(self.link)
        else:
            self.host.set_link(self.link, "/".join([self.directory, name] + ([self.inside] if self.inside else [])))

    def commit(self, state):
        self.host.make_directory(self.state_dir, 0o700)
        self.host.write_json(self.state_dir + "/state.json", state)
        self.host.remove(self.state_dir + "/transaction.json")

    def forget(self, name):
        self.host.remove_tree("%s/%s" % (self.directory, name))
        self.host.remove("%s/%s.json" % (self.directory, name))

    def clear(self):
        """Remove what state says that we made, and the directory when nothing else is in it."""
        for name in self.state().get("owned") or []:
            self.forget(name)
        self.host.remove_empty(self.directory)
        self.host.remove_tree(self.state_dir)
