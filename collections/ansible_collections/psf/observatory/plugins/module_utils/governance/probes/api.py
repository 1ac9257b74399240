# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The effective configuration and state of a service by its own API, projected to what is wanted of it.

Right: to read the service's API (the machines' account, or the host's certificate).
`service` and `path` say what is asked; `format` is json (default), yaml, or text for the metrics format; `inside` is the path of a
text in the JSON answer that is YAML itself (Prometheus gives its configuration so). `take`: name to a path in the answer, where `*`
goes through a list; `keep`: of mappings in a list that was taken, these keys.
One reading for each server of the region: {name: what was taken}. What is not in the answer is left out.
"""

from __future__ import annotations

from ansible_collections.psf.observatory.plugins.module_utils.governance import expect, plainyaml
from ansible_collections.psf.observatory.plugins.module_utils.governance.world import ReadError, reading

ARGUMENTS = {"service": True, "path": True, "take": True, "format": False, "inside": False, "keep": False, "query": False}


def read(world, service, path, take, format="json", inside="", keep=(), query=None):
    return [reading(row["host"], _ask, world, row["url"] + path, take, format, inside, keep, query) for row in world.servers(service)]


def _ask(world, url, take, kind, inside, keep, query):
    if kind == "json":
        answer = world.ask_json(url, query)
    elif kind == "yaml":
        answer = plainyaml.load(world.ask(url, query))
    else:
        raise ReadError("format: %r is not one of json, yaml" % kind)
    if inside:
        text = expect.look(answer, inside)
        if not isinstance(text, str):
            raise ReadError("%s: there is no text at %s" % (url, inside))
        answer = plainyaml.load(text)
    found = {}
    for name, path in take.items():
        value = taken(answer, path)
        if value is not expect.MISSING:
            found[name] = [{key: row[key] for key in keep if key in row} if isinstance(row, dict) else row for row in value] \
                if keep and isinstance(value, list) else value
    return found


def taken(answer, path):
    """The value at a path; with `*`, the list of all values there."""
    if "*" not in expect.keys(path):
        return expect.look(answer, path)
    before, _star, after = path.partition("*")
    found = []
    inner = expect.look(answer, before.rstrip("."))
    if not isinstance(inner, (list, dict)):
        return expect.MISSING
    for item in inner if isinstance(inner, list) else inner.values():
        value = taken(item, after.lstrip("."))
        if value is not expect.MISSING:
            found += value if "*" in expect.keys(after) and isinstance(value, list) else [value]
    return found
