#!/usr/bin/python
# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: remediation
short_description: Bring owners and modes of the platform's own files to what a control wants
version_added: 0.1.0
description:
  - Takes rights away from files and gives them their owner, as the remediation of a control declares it. It never gives a right.
  - Only plain files are touched, and directories where O(files[].directories) says so. Links are not followed, and a file that is not there
    is not made.
  - Meant for C(playbooks/remediate.yml), which assesses before and after.
author:
  - PSF Observatory contributors (@psf-web)
options:
  files:
    description: What shall be true of which files.
    type: list
    elements: dict
    required: true
    suboptions:
      paths:
        description: Patterns of paths.
        type: list
        elements: str
        default: []
      components:
        description: The files that M(psf.observatory.component) wrote on this host, all of them or those with secrets.
        type: str
        choices: [all, secret]
      trees:
        description: All that lies in these directories of every component on this host.
        type: list
        elements: str
        choices: [config_dir, data_dir, programs]
        default: []
      directories:
        description: Whether directories in O(files[].trees) are meant, too.
        type: bool
        default: false
      mode:
        description: The most that a file may allow, octal; what goes beyond is taken away.
        type: str
      owner:
        description: Account that owns the file.
        type: str
attributes:
  check_mode:
    support: full
    description: Says what it would do.
  diff_mode:
    support: full
    description: Shows owner and mode before and after.
"""

EXAMPLES = r"""
- name: Keys are their service's alone
  psf.observatory.remediation:
    files:
      - {paths: ["/etc/psf/tls/*.key"], owner: root, mode: "0640"}
  become: true
"""

RETURN = r"""
steps:
  description: What was done, or would be.
  returned: always
  type: list
  elements: str
  sample: ["/etc/psf/tls/host.key: mode 0644 to 0640"]
"""

import os
import pwd
import stat

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.psf.observatory.plugins.module_utils.governance.probes import components, files, tree
from ansible_collections.psf.observatory.plugins.module_utils.governance.world import ReadError, World


def wanted(world, row):
    """(path, owner, mode, root) of all that a row means; below its root no link is followed."""
    for root in sorted({root for kind in row["trees"] for root in tree.of_components(world, kind)}):
        for path, info in tree.walk(world, root):
            if stat.S_ISREG(info.st_mode) or (row["directories"] and stat.S_ISDIR(info.st_mode)):
                yield path, files.user(info.st_uid), "%04o" % stat.S_IMODE(info.st_mode), root
    paths = [path for pattern in row["paths"] for path in files.expand(world, pattern)]
    if row.get("components"):
        for reading in components.read(world):
            if "error" in reading:
                raise ReadError("%s: %s" % (reading["name"], reading["error"]))
            paths += [one["name"] for one in reading["data"]["files"] if one["there"] and (row["components"] == "all" or one["secret"])]
    for path in sorted(set(paths)):
        one = files.describe(world, path)
        if one["kind"] == "file":
            yield path, one["owner"], one["mode"], os.path.dirname(path)


def plan(world, rows):
    """[(path, what is, what shall be, root)], owner and mode as text, for every file that differs."""
    found = {}
    for row in rows:
        for path, owner, mode, root in wanted(world, row):
            is_now = {"owner": owner, "mode": mode}
            shall = found.get(path, (is_now, dict(is_now)))[1]
            if row.get("mode"):
                shall["mode"] = "%04o" % (int(shall["mode"], 8) & int(row["mode"], 8))
            if row.get("owner"):
                shall["owner"] = row["owner"]
            found[path] = (is_now, shall, root)
    return [(path, is_now, shall, root) for path, (is_now, shall, root) in sorted(found.items()) if is_now != shall]


def opened(world, path, root):
    """The file, open; each step below the root is taken without following a link, as a service may write there."""
    steps = os.path.relpath(path, root).split(os.sep)
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(world.real(root), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for number, step in enumerate(steps, 1):
        try:
            further = os.open(step, flags if number == len(steps) else flags | os.O_DIRECTORY, dir_fd=descriptor)
        finally:
            os.close(descriptor)
        descriptor = further
    return descriptor


def apply(world, path, is_now, shall, root):
    """By the open file, so that what was looked at is what is changed."""
    descriptor = opened(world, path, root)
    try:
        if is_now["owner"] != shall["owner"]:
            os.fchown(descriptor, pwd.getpwnam(shall["owner"]).pw_uid, -1)
        os.fchmod(descriptor, int(shall["mode"], 8))
    finally:
        os.close(descriptor)


def show(rows, which):
    return "".join("%s: %s %s\n" % (row[0], row[which]["owner"], row[which]["mode"]) for row in rows)


def main():
    module = AnsibleModule(
        argument_spec=dict(files=dict(type="list", elements="dict", required=True, options=dict(
            paths=dict(type="list", elements="str", default=[]), directories=dict(type="bool", default=False),
            trees=dict(type="list", elements="str", choices=["config_dir", "data_dir", "programs"], default=[]),
            components=dict(type="str", choices=["all", "secret"]),
            mode=dict(type="str"), owner=dict(type="str")))),
        supports_check_mode=True)
    world = World()
    for index, row in enumerate(module.params["files"]):
        try:
            if row["owner"]:
                pwd.getpwnam(row["owner"])
            int(row["mode"] or "0", 8)
        except KeyError:
            module.fail_json(msg="files[%d].owner: there is no account %s on this host" % (index, row["owner"]))
        except ValueError:
            module.fail_json(msg="files[%d].mode: %r is no octal mode such as 0640" % (index, row["mode"]))
    try:
        rows = plan(world, module.params["files"])
        if not module.check_mode:
            for row in rows:
                apply(world, *row)
    except (OSError, ReadError) as error:
        module.fail_json(msg=str(error))
    steps = ["%s: %s" % (path, ", ".join("%s %s to %s" % (key, is_now[key], shall[key]) for key in ("owner", "mode")
                                         if is_now[key] != shall[key])) for path, is_now, shall, _root in rows]
    module.exit_json(changed=bool(rows), steps=steps, diff={"before": show(rows, 1), "after": show(rows, 2)})


if __name__ == "__main__":
    main()
