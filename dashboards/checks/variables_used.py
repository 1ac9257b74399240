"""A dashboard works on any installation and in any region: its queries go to the data source that is chosen on it, and every query whose
series know a region is narrowed to the chosen one. A variable that no query uses promises a choice that is none."""

import json
from collections.abc import Mapping

from dashboards import checks, logql, naming, promql
from dashboards.checks import Found, Rendered
from dashboards.grafana import scope_variables
from dashboards.load import Content
from dashboards.model import ContentError
from dashboards.render import context as context_of


def check(content: Content) -> Found:
    series = context_of(content, content.systems).series
    for made in checks.rendered(content):
        declared = {row["name"]: row for row in made.data["templating"]["list"]}
        for name in naming.DATASOURCES.values():
            if declared.get(name, {}).get("type") != "datasource":
                yield made.where, f"has no variable {name} for its data source"
        yield from _queries(made, series)
        text = json.dumps(made.data["panels"])
        later = "".join(json.dumps(row.get("query", "")) for row in made.data["templating"]["list"])
        for variable in scope_variables(made.loaded, made.dashboard):
            if f"${variable.name}" not in text and f"${{{variable.name}" not in text and f"${variable.name}" not in later:
                yield made.where, f"variable {variable.name} is used by no query; leave it out (instances=False for instance)"


def _queries(made: Rendered, series: dict[str, tuple[str, ...]]) -> Found:
    for panel in made.panels():
        where = f"{made.where}: panel {panel['title']}"
        for target in panel.get("targets", ()):
            source = target["datasource"]
            if source["uid"] != f"${{{naming.DATASOURCES[source['type']]}}}":
                yield where, f"asks the data source {source['uid']}, not the chosen one"
            if "expr" not in target:
                continue
            try:
                if source["type"] == "loki":
                    missing = [str(one) for one in logql.use(target["expr"], where).selectors if not _chosen(one)]
                else:
                    missing = [name for name, matchers in promql.use(target["expr"], where).selectors
                               if "region" in series.get(name, ()) and not _chosen(matchers)]
            except ContentError:
                continue
            for name in missing:
                yield where, f"{name or 'a selector'} is not narrowed to the chosen region; leave region out, it is put in"


def _chosen(matchers: Mapping[str, tuple[str, str]]) -> bool:
    """Whether a selector takes the region that is chosen on the dashboard, not one of its own."""
    return "$region" in matchers.get("region", ("", ""))[1]
