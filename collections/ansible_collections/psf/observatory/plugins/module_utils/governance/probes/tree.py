# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is unsafe in whole directories: files that all may write, programs that change the user, files of no user.

Right: root, to enter every directory. One that may not be entered is an error. Other file systems and links are not followed.
One reading for each root: {"entries", "world_writable": [path], "setuid": [path], "unowned": [path], "not_root": [path]}; not_root has
what another user than root owns. `components: true` adds the configuration and program directories of the components.
"""

from __future__ import annotations

import os
import pwd
import stat

from ansible_collections.psf.observatory.plugins.module_utils.component.model import ROOT
from ansible_collections.psf.observatory.plugins.module_utils.governance.probes import components
from ansible_collections.psf.observatory.plugins.module_utils.governance.world import ReadError, reading

ARGUMENTS = {"roots": False, "components": False}
LIMIT = 200000
NAMED = 50


def read(world, roots=(), components=()):
    wanted = list(roots)
    for kind in components or ():
        wanted += of_components(world, kind)
    return [reading(root, _tree, world, root) for root in sorted(set(wanted))]


def of_components(world, kind):
    """The directories of one kind (config_dir, data_dir, programs) of every component."""
    if kind == "programs":
        return ["%s/%s" % (ROOT, name) for name in components.names(world) if os.path.isdir(world.real("%s/%s" % (ROOT, name)))]
    return [components.state(world, name)[kind] for name in components.names(world)]


def walk(world, root):
    """(path, what lstat says) of all that lies below a directory, on its file system."""
    if not os.path.isdir(world.real(root)):
        raise ReadError("%s: no such directory" % root)
    entries, stack, device = 0, [root], os.lstat(world.real(root)).st_dev
    while stack:
        directory = stack.pop()
        try:
            rows = list(os.scandir(world.real(directory)))
        except FileNotFoundError:
            continue  # gone since its parent was listed
        except OSError as error:
            raise ReadError("%s: %s" % (directory, error.strerror)) from error
        for row in rows:
            try:
                info = row.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            entries += 1
            if entries > LIMIT:
                raise ReadError("%s has more than %d entries" % (root, LIMIT))
            path = os.path.join(directory, row.name)
            if stat.S_ISDIR(info.st_mode) and info.st_dev == device:
                stack.append(path)
            yield path, info


def _tree(world, root):
    found = {"entries": 0, "world_writable": [], "setuid": [], "unowned": [], "not_root": []}
    users = {row.pw_uid for row in pwd.getpwall()}
    for path, info in walk(world, root):
        found["entries"] += 1
        for key in _unsafe(info, users):
            if len(found[key]) < NAMED:
                found[key].append(path)
    return found


def _unsafe(info, users):
    if stat.S_ISLNK(info.st_mode):
        return
    if info.st_mode & stat.S_IWOTH and not (stat.S_ISDIR(info.st_mode) and info.st_mode & stat.S_ISVTX) \
            and not stat.S_ISSOCK(info.st_mode):
        yield "world_writable"
    if stat.S_ISREG(info.st_mode) and info.st_mode & (stat.S_ISUID | stat.S_ISGID):
        yield "setuid"
    if info.st_uid not in users:
        yield "unowned"
    if info.st_uid != 0:
        yield "not_root"
