"""first_row: another first row, no lines, no traces."""

from dataclasses import replace

import pytest
from example_content import content, dashboard, found

WHOLE = dashboard()


@pytest.mark.parametrize(("rows", "says"), [
    (WHOLE.rows[1:] + WHOLE.rows[:1], "begins with 'Logs'"),
    ((replace(WHOLE.rows[0], collapsed=True), *WHOLE.rows[1:]), "open and with panels"),
    ((replace(WHOLE.rows[0], panels=()), *WHOLE.rows[1:]), "open and with panels"),
    ((WHOLE.rows[0], WHOLE.rows[2]), "has no panel 'logs'"),
    (WHOLE.rows[:2], "has no panel of traces"),
])
def test_refused(rows, says):
    assert [text for text in found("first_row", content(dashboards=(replace(WHOLE, rows=rows),))) if says in text]
