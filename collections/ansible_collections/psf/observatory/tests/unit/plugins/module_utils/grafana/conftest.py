# Copyright: PSF Observatory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Grafana that these tests ask: the double, or a real one where GRAFANA_URL names it."""

from __future__ import annotations

import pytest
from ansible_collections.psf.observatory.plugins.module_utils.grafana import record
from ansible_collections.psf.observatory.tests.unit.plugins.module_utils.grafana.double import Double
from ansible_collections.psf.observatory.tests.unit.plugins.module_utils.grafana.rig import REAL, Rig


@pytest.fixture(autouse=True)
def fast(monkeypatch):
    """A fingerprint that is not slow on purpose."""
    monkeypatch.setattr(record, "ROUNDS", 10)


@pytest.fixture
def rig():
    if REAL:
        one = Rig()
        yield one
        one.clean()
        return
    with Double() as double:
        yield Rig(double)


@pytest.fixture
def double():
    with Double() as one:
        yield one


@pytest.fixture
def broken(double):
    """A rig whose double can be broken; on the double only."""
    return Rig(double)
