"""Units of systemd, as node_exporter's collector reads them."""

from dashboards.model import System

SYSTEM = System(
    id="systemd", title="systemd units", owner="platform",
    description="Whether every unit runs that should, and which ones restart, on every host.",
    jobs=("node",), logs='{service_name=~"systemd|systemd-.*"}',
    left_out=(
        ("memory, tasks and restarts of each unit", "node_exporter reads them only with options that cost a bus call for every unit and "
                                                    "scrape"),
        ("an alert on system state degraded", "it says the same as SystemdUnitFailed, without the unit's name"),
    ))
