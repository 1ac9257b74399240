# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Queries to a PostgreSQL (or Citus node, or PgBouncer's console) of this host.

Right: a role that may log in and is a member of pg_monitor (pg_read_all_settings, pg_read_all_stats); for the rules of pg_hba.conf it
needs SELECT on pg_hba_file_rules and EXECUTE on pg_hba_file_rules(), for password methods SELECT on pg_authid, for what a control asks
of tables SELECT on these. The session is read-only and each statement limited in time; one statement each, that only reads.
`queries`: name to SQL; `databases`: one reading for each, without it that of the system's row, else postgres; `system`: the row's id
(postgresql); `console`: true for PgBouncer, which has SHOW and no settings. One reading: {name: [rows as column to value]}.
"""

from __future__ import annotations

import re

from ansible_collections.psf.observatory.plugins.module_utils.governance import pgwire, systems
from ansible_collections.psf.observatory.plugins.module_utils.governance.world import ReadError, reading

ARGUMENTS = {"queries": True, "databases": False, "system": False, "console": False}
READS = re.compile(r"^\s*(SELECT|SHOW|WITH|TABLE|VALUES)\b[^;]*\Z", re.IGNORECASE)


def read(world, queries, databases=(), system="postgresql", console=False):
    row = systems.of(world, system)
    for name, text in queries.items():
        if not isinstance(text, str) or not READS.match(text):
            raise ReadError("%s: %.60r is not one statement that only reads" % (name, text))
    if not queries:
        raise ReadError("nothing is declared that could be asked")
    names = databases or [row.get("database") or ("pgbouncer" if console else "postgres")]
    return [reading(name, _database, world, row, name, queries, console) for name in names]


def _database(world, row, name, queries, console):
    options = {} if console else {"options": "-c default_transaction_read_only=on -c statement_timeout=%d" % (world.timeout * 1000)}
    with pgwire.Connection(world, row, name, options, 6432 if console else pgwire.PORT) as connection:
        return {key: connection.query(text) for key, text in queries.items()}
