# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""State and configuration of a system by its JSON API (RabbitMQ, Keycloak, Harbor, OpenSearch, Vault, OpenCost, a Git host).

Right: an account of the system that may read what the control names: RabbitMQ `monitoring`; Keycloak `view-realm`, `view-clients`;
Harbor a robot with `list project`; OpenSearch `cluster_monitor`; Vault a policy with `read` and `list` on the paths.
system, path   what is asked; {word} in the path is filled from `fill`
take, keep     as in the probe api; the path "" is the whole answer
query          query parameters; body, for a look-up that the system takes as POST
pages          {"page": name, "size": name, "limit": number} of an answer in pages, put together as one list
items          ask once for each: a list, or {"path", "take", "query"} that gives it; {item} in path and body is the item
ages           names in `take` whose value is a time (RFC 3339): they become seconds since then
One reading for the system, or for each item: {name: what was taken}. What is not in the answer is left out.
"""

from __future__ import annotations

import json
import re
import time
from calendar import timegm
from urllib.parse import quote

from ansible_collections.psf.observatory.plugins.module_utils.governance import expect, systems
from ansible_collections.psf.observatory.plugins.module_utils.governance.probes.api import taken
from ansible_collections.psf.observatory.plugins.module_utils.governance.world import ReadError, reading

ARGUMENTS = {"system": True, "path": True, "take": True, "keep": False, "query": False, "body": False, "pages": False, "items": False,
             "ages": False, "fill": False}
ITEMS = 500
TIME = re.compile(r"^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:?\d\d)\Z")


def read(world, system, path, take, keep=(), query=None, body=None, pages=None, items=None, ages=(), fill=None):
    row = systems.of(world, system, "url")
    for word, value in (fill or {}).items():
        path = path.replace("{%s}" % word, quote(str(value).strip("/"), safe="/"))
    if items is None:
        return [reading(row.get("name") or system, _ask, world, row, path, take, keep, query, body, pages, ages)]
    if isinstance(items, dict):
        where = items["path"]
        for word, value in (fill or {}).items():
            where = where.replace("{%s}" % word, quote(str(value).strip("/"), safe="/"))
        items = taken(systems.ask(world, row, where, items.get("query")), items["take"])
        if not isinstance(items, list):
            raise ReadError("%s%s: there is no list" % (row["url"], where))
    if len(items) > ITEMS:
        raise ReadError("%s: more than %d to ask for" % (system, ITEMS))
    return [reading(str(item), _ask, world, row, path.replace("{item}", quote(str(item), safe="")), take, keep, query,
                    _filled(body, str(item)), pages, ages) for item in items]


def _filled(body, item):
    if body is None:
        return None
    return {key: value.replace("{item}", item) if isinstance(value, str) else value for key, value in body.items()}


def _ask(world, row, path, take, keep, query, body, pages, ages):
    answer = _pages(world, row, path, query, pages) if pages else systems.ask(world, row, path, query, body)
    found = {}
    for name, where in take.items():
        value = taken(answer, where)
        if value is expect.MISSING:
            continue
        if keep and isinstance(value, list):
            value = [{key: item[key] for key in keep if key in item} if isinstance(item, dict) else item for item in value]
        found[name] = age(value) if name in ages else value
    return found


def _pages(world, row, path, query, pages):
    found, size = [], 0
    for number in range(1, systems.PAGES + 1):
        answer = systems.ask(world, row, path, dict(query or {}, **{pages["page"]: number, pages["size"]: pages["limit"]}))
        if not isinstance(answer, list):
            raise ReadError("%s%s: there is no list" % (row["url"], path))
        size += len(json.dumps(answer))
        if size > systems.BODY_LIMIT:
            raise ReadError("%s%s: the list is larger than %d bytes" % (row["url"], path, systems.BODY_LIMIT))
        found += answer
        if len(answer) < pages["limit"]:
            return found
    raise ReadError("%s%s: more than %d pages" % (row["url"], path, systems.PAGES))


def age(text, now=None):
    """Seconds since a time in RFC 3339; ReadError for anything else."""
    match = TIME.match(text) if isinstance(text, str) else None
    if not match:
        raise ReadError("%r is no time" % (text,))
    moment = timegm(time.strptime("%s %s" % match.group(1, 2), "%Y-%m-%d %H:%M:%S"))
    zone = match.group(3).replace(":", "")
    if zone != "Z":
        moment -= int(zone[0] + "1") * (int(zone[1:3]) * 3600 + int(zone[3:5]) * 60)
    return round((time.time() if now is None else now) - moment)
