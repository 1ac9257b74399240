"""Linux hosts, as node_exporter sees them."""

from dashboards.model import System

SYSTEM = System(
    id="node", title="Linux hosts", owner="platform",
    description="Processor, memory, disks, file systems, network and clock of every host.",
    jobs=("node",), logs='{unit!="", service_name!=""}',
    left_out=(
        ("software RAID, bonding, EDAC, hwmon, NVMe", "the lab's hosts have none, so no recorded scrape contains their metrics"),
        ("NTP state (node_timex_*)",
         "the collector is off where the host's kernel refuses adjtimex; NodeClockSkew compares clocks instead"),
        ("metrics of the textfile collector", "each belongs to the system whose job leaves it there"),
        ("an alert on file systems that cannot be asked",
         "node_filesystem_device_error is 1 for every mount that the exporter's account may not enter, which is no fault"),
        ("an alert on major page faults", "NodeMemoryPressure says whether somebody waits for them"),
        ("alerts on load average", "load counts tasks in disk wait as well; pressure stall information says what waits, and for what"),
    ))
