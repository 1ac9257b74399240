# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Owner, mode, size and age of files by pattern; the content is not read. Links are not followed.

Right: to list the directories on the way (root for /etc/psf/tls and the like). A directory that may not be listed is an error, not
an empty answer, as it would be with the shell's own patterns.
One reading for each pattern: {"files": [{"name", "kind", "mode": "0640", "owner", "group", "size", "age": seconds}]}.
"""

from __future__ import annotations

import fnmatch
import grp
import os
import pwd
import stat
import time

from ansible_collections.psf.observatory.plugins.module_utils.governance.world import ReadError, reading

ARGUMENTS = {"paths": True}
LIMIT = 5000
KINDS = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "link", stat.S_IFSOCK: "socket", stat.S_IFIFO: "pipe"}


def read(world, paths):
    return [reading(path, _files, world, path) for path in paths]


def _files(world, pattern):
    rows = []
    for path in expand(world, pattern):
        try:
            rows.append(describe(world, path))
        except FileNotFoundError:
            continue  # gone since the directory was listed
        if len(rows) > LIMIT:
            raise ReadError("%s: more than %d files" % (pattern, LIMIT))
    return {"files": rows}


def expand(world, pattern):
    """The paths that a pattern means; what may not be listed raises ReadError."""
    found = ["/"]
    for part in [part for part in pattern.split("/") if part]:
        following = []
        for base in found:
            if not any(letter in part for letter in "*?["):
                path = os.path.join(base, part)
                if _there(world, path):
                    following.append(path)
                continue
            try:
                names = sorted(os.listdir(world.real(base)))
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                raise ReadError("%s: %s" % (base, error.strerror)) from error
            following += [os.path.join(base, name) for name in names if fnmatch.fnmatchcase(name, part)
                          and (not name.startswith(".") or part.startswith("."))]
        found = following
    return found


def _there(world, path):
    try:
        os.lstat(world.real(path))
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise ReadError("%s: %s" % (path, error.strerror)) from error
    return True


def describe(world, path):
    info = os.lstat(world.real(path))
    return {"name": path, "kind": KINDS.get(stat.S_IFMT(info.st_mode), "other"), "mode": "%04o" % stat.S_IMODE(info.st_mode),
            "owner": user(info.st_uid), "group": group(info.st_gid), "size": info.st_size,
            "age": max(round(time.time() - info.st_mtime), 0)}


def user(uid):
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def group(gid):
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
