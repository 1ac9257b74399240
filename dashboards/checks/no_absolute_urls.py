"""Addresses differ between environments and change; a dashboard that carries one leads somewhere else after the next move. Links are
relative or come from the estate."""

import re

from dashboards import checks
from dashboards.checks import Found
from dashboards.load import Content

URL = re.compile(r"https?://[^\s\"')>]+")
# In text, what a reader can click; commands that show an address are none.
CLICKABLE = re.compile(r"\]\(\s*(https?://[^)\s]+)|<(https?://[^>\s]+)>|(?:href|src)\s*=\s*[\"']?(https?://[^\"'\s>]+)")


def check(content: Content) -> Found:
    for made in checks.rendered(content):
        for path, text in checks.strings(made.data):
            if path.endswith(".options.content"):
                found = next((link for match in CLICKABLE.findall(text) for link in match if link), "")
            else:
                match = URL.search(text)
                found = match[0] if match else ""
            if found:
                yield made.where, f"{path.lstrip('.')} has the absolute address {found}; link relatively, or through the estate's urls"
