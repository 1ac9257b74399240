# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of a Kubernetes API, page by page, each projected to what is wanted of it, so that memory stays bounded.

Right: `get` and `list` on the resources that are asked for (a ClusterRole; for secrets none is ever needed). The package
`kubernetes` must be there where the module runs; without it the reading is an error.
`resource`: path of the API's list, like /api/v1/pods or /apis/apps/v1/deployments; `take`: name to a path in the object (`*` goes
through lists); `selector`: a label selector; `context`: of the kubeconfig; without one, the service account of a pod, else the
kubeconfig's own.
One reading, named by the resource: {"objects": [{"name", "namespace", name: what was taken}], "count"}.
"""

from __future__ import annotations

import json
from urllib.parse import urlencode

from ansible_collections.psf.observatory.plugins.module_utils.governance import expect
from ansible_collections.psf.observatory.plugins.module_utils.governance.probes.api import taken
from ansible_collections.psf.observatory.plugins.module_utils.governance.world import ReadError, reading

ARGUMENTS = {"resource": True, "take": True, "selector": False, "context": False}
PAGE = 500
OBJECTS = 50000


def read(world, resource, take, selector="", context="", lister=None):
    return [reading(resource, _objects, lister or client(world, context), resource, take, selector)]


def client(world, context):
    """A function (path, query) -> the JSON of one page, through the package kubernetes."""
    try:
        from kubernetes import client as library  # noqa: PLC0415 (only where it is needed, and there)
        from kubernetes import config  # noqa: PLC0415
    except ImportError as error:
        raise ReadError("the package kubernetes is not installed where this runs") from error
    try:
        if context:
            config.load_kube_config(context=context)
        else:
            try:
                config.load_incluster_config()
            except config.ConfigException:
                config.load_kube_config()
    except (config.ConfigException, OSError) as error:
        raise ReadError("no way to a Kubernetes API: %s" % error) from error
    settings = library.Configuration.get_default_copy()
    rest = library.ApiClient(settings).rest_client
    headers = {"Accept": "application/json"}
    for row in settings.auth_settings().values():
        if row.get("in") == "header" and row.get("value"):
            headers[row["key"]] = row["value"]

    def page(path, query):
        # The lowest call, as those above it differ from one version of the package to the next, and make objects of what is only looked at.
        try:
            answer = rest.request("GET", "%s%s?%s" % (settings.host, path, urlencode(query)), headers=headers,
                                  _request_timeout=world.timeout)
            status, body = answer.status, answer.data or answer.read()
        except library.ApiException as error:
            raise ReadError("%s: HTTP %s %s" % (path, error.status, error.reason)) from error
        except Exception as error:
            raise ReadError("%s: %s" % (path, error)) from error
        if status != 200:
            raise ReadError("%s: HTTP %s" % (path, status))
        try:
            return json.loads(body)
        except ValueError as error:
            raise ReadError("%s: not JSON" % path) from error

    return page


def _objects(lister, resource, take, selector):
    found, token = [], ""
    while True:
        query = [("limit", PAGE)] + ([("continue", token)] if token else []) + ([("labelSelector", selector)] if selector else [])
        answer = lister(resource, query)
        for item in answer["items"]:
            found.append(projected(item, take))
        if len(found) > OBJECTS:
            raise ReadError("%s: more than %d objects" % (resource, OBJECTS))
        token = (answer.get("metadata") or {}).get("continue") or ""
        if not token:
            return {"objects": found, "count": len(found)}


def projected(item, take):
    meta = item["metadata"]
    row = {"name": meta["name"], "namespace": meta.get("namespace", "")}
    for name, path in take.items():
        value = taken(item, path)
        if value is not expect.MISSING:
            row[name] = value
    return row
