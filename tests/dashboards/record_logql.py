"""Ask a running Loki for its verdict on every query of logql_corpus.yml, and write the file anew. Run where Loki can be reached:

    python tests/dashboards/record_logql.py --loki https://HOST:3100 --ca FILE [--cert FILE --key FILE]

Each query runs over the last second (query_range), so templates and expressions inside strings are judged too."""

from __future__ import annotations

import argparse
import json
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import yaml

CORPUS = Path(__file__).parent / "logql_corpus.yml"
HEADER = ("---\n# yamllint disable rule:line-length\n"
          "# Queries with the verdict of the Loki named here; record_logql.py asks it again. `says` is Loki's own message.\n")


class _Dumper(yaml.SafeDumper):
    """Lists are indented, as yamllint wants them."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def dump(found: dict[str, object]) -> str:
    return HEADER + str(yaml.dump(found, Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--loki", required=True, metavar="URL")
    for name in ("ca", "cert", "key"):
        parser.add_argument(f"--{name}", metavar="FILE")
    options = parser.parse_args()
    context = ssl.create_default_context(cafile=options.ca) if options.loki.startswith("https") else None
    if context and options.cert:
        context.load_cert_chain(options.cert, options.key)

    def get(path: str, **query: str) -> str:
        url = f"{options.loki}/loki/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, context=context, timeout=30) as answer:
            return str(answer.read().decode())

    def verdict(query: str) -> dict[str, object]:
        now = time.time_ns()
        try:
            get("query_range", query=query, start=str(now - 10**9), end=str(now), limit="1", step="1s")
        except urllib.error.HTTPError as error:
            if error.code != 400:
                raise
            return {"query": query, "accepted": False, "says": error.read().decode(errors="replace")[:120]}
        return {"query": query, "accepted": True}
    rows = yaml.safe_load(CORPUS.read_text(encoding="utf-8"))["queries"]
    found = {"loki": json.loads(get("status/buildinfo"))["version"], "queries": [verdict(row["query"]) for row in rows]}
    CORPUS.write_text(dump(found), encoding="utf-8")


if __name__ == "__main__":
    main()
