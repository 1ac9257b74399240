"""The dashboard of Linux hosts: golden signals, then use, saturation and errors of each resource."""

from dashboards.model import Dashboard, Row
from dashboards.panels import GREEN, RED, YELLOW, golden, logs_row, prom, stat, states, table, targets_up, timeseries
from dashboards.systems.node.alerts import REAL
from dashboards.systems.node.system import SYSTEM

DASHBOARDS = (
    Dashboard(
        "overview", "Linux hosts", "Every host of the region: what it does, what waits, what fails.",
        rows=(
            golden(
                targets_up(SYSTEM.jobs, height=8),
                stat("hosts", "Hosts", "Hosts whose exporter answers.", "short", prom("sum(up{job=\"node\"})"), height=8),
                timeseries("cpu-used", "Processor in use", "Share of the processors' time that was used.", "percentunit",
                           prom("instance:node_cpu_utilisation:ratio_rate5m", "{{host}}"), min=0, max=1),
                timeseries("memory-used", "Memory in use", "Share of the memory that is not available to new processes.", "percentunit",
                           prom("1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes", "{{host}}"), min=0, max=1,
                           steps=((None, GREEN), (0.85, YELLOW), (0.95, RED))),
                timeseries("network-traffic", "Network traffic", "Received, and below the axis sent.", "Bps",
                           prom("sum by (host) (rate(node_network_receive_bytes_total{device!=\"lo\"}[$__rate_interval]))", "{{host}} in"),
                           prom("-sum by (host) (rate(node_network_transmit_bytes_total{device!=\"lo\"}[$__rate_interval]))",
                                "{{host}} out")),
                timeseries("filesystem-used", "Fullest file systems", "Share of the space in use, the ten fullest.", "percentunit",
                           prom(f"topk(10, 1 - node_filesystem_avail_bytes{{{REAL}}} / node_filesystem_size_bytes{{{REAL}}})",
                                "{{host}} {{mountpoint}}"),
                           min=0, max=1, steps=((None, GREEN), (0.85, YELLOW), (0.95, RED))),
                timeseries("disk-queue", "Requests waiting at disks", "Requests in the queue of each device on average.", "short",
                           prom("rate(node_disk_io_time_weighted_seconds_total[$__rate_interval])", "{{host}} {{device}}"), min=0)),
            Row("Hosts", (
                table("hosts-table", "Hosts", "What each host is.", "short",
                      prom("max by (region, host) (time() - node_boot_time_seconds)", "Up for", instant=True),
                      prom("max by (region, host) (node_load1)", "Load", instant=True),
                      prom("count by (region, host) (count by (region, host, cpu) (node_cpu_seconds_total))", "Processors", instant=True),
                      prom("max by (region, host) (node_memory_MemTotal_bytes)", "Memory", instant=True),
                      prom("max by (region, host, pretty_name) (node_os_info)", instant=True),
                      prom("max by (region, host, release, machine) (node_uname_info)", instant=True), width=24, height=7,
                      hide=("Value #E", "Value #F"),
                      columns={"region": "Region", "host": "Host", "pretty_name": "Distribution", "release": "Kernel",
                               "machine": "Architecture"},
                      units={"Up for": "s", "Memory": "bytes"}, sort=(("Host", False),)),
                states("up-states", "Reachable", "Whether each host answered its scrape.", prom('up{job="node"}', "{{host}}")),
                timeseries("uptime", "Time since start", "How long each host has been up; a fall is a restart.", "s",
                           prom("time() - node_boot_time_seconds", "{{host}}"), min=0, width=12))),
            Row("Processor", (
                timeseries("cpu-modes", "Time by mode", "What the processors do, all hosts together.", "percentunit",
                           prom('sum by (mode) (rate(node_cpu_seconds_total{mode!="idle"}[$__rate_interval])) '
                                "/ scalar(count(count by (instance, cpu) (node_cpu_seconds_total)))", "{{mode}}"), stack=True, min=0),
                timeseries("cpu-pressure", "Waiting for a processor", "Share of the time in which some task waited for a processor.",
                           "percentunit",
                           prom("rate(node_pressure_cpu_waiting_seconds_total[$__rate_interval])", "{{host}}"), min=0),
                timeseries("load", "Load of a minute", "Tasks that run or wait, on average.", "short", prom("node_load1", "{{host}}"),
                           min=0),
                timeseries("processes", "Processes", "Those that could run, and those that wait for a device.", "short",
                           prom("node_procs_running", "{{host}} running"), prom("node_procs_blocked", "{{host}} blocked"), min=0),
                timeseries("switches", "Context switches", "Context switches per second.", "ops",
                           prom("rate(node_context_switches_total[$__rate_interval])", "{{host}}"), min=0),
                timeseries("forks", "Processes started", "Processes started per second.", "ops",
                           prom("rate(node_forks_total[$__rate_interval])", "{{host}}"), min=0))),
            Row("Memory", (
                timeseries("memory-split", "Memory", "What the memory holds, all hosts together.", "bytes",
                           prom("sum(node_memory_MemTotal_bytes - node_memory_MemFree_bytes - node_memory_Buffers_bytes - "
                                "node_memory_Cached_bytes "
                                "- node_memory_Slab_bytes)", "processes"),
                           prom("sum(node_memory_Cached_bytes)", "page cache"), prom("sum(node_memory_Buffers_bytes)", "buffers"),
                           prom("sum(node_memory_Slab_bytes)", "kernel"), prom("sum(node_memory_MemFree_bytes)", "free"), stack=True,
                           min=0),
                timeseries("memory-pressure", "Waiting for memory", "Share of the time in which all tasks waited for memory.",
                           "percentunit",
                           prom("rate(node_pressure_memory_stalled_seconds_total[$__rate_interval])", "{{host}} all"),
                           prom("rate(node_pressure_memory_waiting_seconds_total[$__rate_interval])", "{{host}} some"), min=0),
                timeseries("swap", "Swap in use", "Bytes of swap in use.", "bytes",
                           prom("node_memory_SwapTotal_bytes - node_memory_SwapFree_bytes", "{{host}}"), min=0),
                timeseries("major-faults", "Major page faults", "Page faults per second that needed a device.", "ops",
                           prom("rate(node_vmstat_pgmajfault[$__rate_interval])", "{{host}}"), min=0),
                timeseries("oom", "Killed for want of memory", "Processes that the kernel killed.", "short",
                           prom("increase(node_vmstat_oom_kill[$__rate_interval])", "{{host}}"), min=0, bars=True))),
            Row("Disks", (
                timeseries("disk-busy", "Busy", "Share of the time in which the device did something.", "percentunit",
                           prom("rate(node_disk_io_time_seconds_total[$__rate_interval])", "{{host}} {{device}}"), min=0, max=1),
                timeseries("disk-throughput", "Throughput", "Read, and below the axis written.", "Bps",
                           prom("rate(node_disk_read_bytes_total[$__rate_interval])", "{{host}} {{device}} read"),
                           prom("-rate(node_disk_written_bytes_total[$__rate_interval])", "{{host}} {{device}} written")),
                timeseries("disk-latency", "Latency", "Mean time of a read and of a write.", "s",
                           prom("rate(node_disk_read_time_seconds_total[$__rate_interval]) / "
                                "rate(node_disk_reads_completed_total[$__rate_interval])",
                                "{{host}} {{device}} read"),
                           prom("rate(node_disk_write_time_seconds_total[$__rate_interval]) / "
                                "rate(node_disk_writes_completed_total[$__rate_interval])",
                                "{{host}} {{device}} write"), min=0),
                timeseries("io-pressure", "Waiting for devices", "Share of the time in which some task waited for a device.", "percentunit",
                           prom("rate(node_pressure_io_waiting_seconds_total[$__rate_interval])", "{{host}} some"),
                           prom("rate(node_pressure_io_stalled_seconds_total[$__rate_interval])", "{{host}} all"), min=0),
                timeseries("inodes-used", "Inodes in use", "Share of the inodes in use, the ten fullest.", "percentunit",
                           prom(f"topk(10, 1 - node_filesystem_files_free{{{REAL}}} / (node_filesystem_files{{{REAL}}} > 0))",
                                "{{host}} {{mountpoint}}"),
                           min=0, max=1),
                timeseries("file-descriptors", "File descriptors in use", "Share of the host's file descriptors in use.", "percentunit",
                           prom("node_filefd_allocated / node_filefd_maximum", "{{host}}"), min=0))),
            Row("Network", (
                timeseries("network-errors", "Packets with errors", "Share of the packets that had an error.", "percentunit",
                           prom("(rate(node_network_receive_errs_total[$__rate_interval]) + "
                                "rate(node_network_transmit_errs_total[$__rate_interval])) "
                                "/ (rate(node_network_receive_packets_total[$__rate_interval]) + "
                                "rate(node_network_transmit_packets_total[$__rate_interval]) > 0)",
                                "{{host}} {{device}}"), min=0),
                timeseries("network-drops", "Packets dropped", "Packets per second dropped, in and out.", "pps",
                           prom("rate(node_network_receive_drop_total[$__rate_interval])", "{{host}} {{device}} in"),
                           prom("rate(node_network_transmit_drop_total[$__rate_interval])", "{{host}} {{device}} out"), min=0),
                timeseries("tcp-retransmits", "TCP segments sent again", "Share of the segments that were sent again.", "percentunit",
                           prom("rate(node_netstat_Tcp_RetransSegs[$__rate_interval]) / rate(node_netstat_Tcp_OutSegs[$__rate_interval])",
                                "{{host}}"), min=0),
                timeseries("tcp-connections", "TCP connections", "Open, and waiting after closing.", "short",
                           prom("node_netstat_Tcp_CurrEstab", "{{host}} open"), prom("node_sockstat_TCP_tw", "{{host}} closing"), min=0),
                timeseries("listen-drops", "Connections refused by full listeners", "Per second; a service does not accept fast enough.",
                           "ops",
                           prom("rate(node_netstat_TcpExt_ListenDrops[$__rate_interval])", "{{host}}"), min=0),
                timeseries("conntrack", "Firewall's table", "Share of the connection table in use.", "percentunit",
                           prom("node_nf_conntrack_entries / node_nf_conntrack_entries_limit", "{{host}}"), min=0))),
            Row("Clock and exporter", (
                timeseries("clock", "Clock", "Difference between the host's clock and its Prometheus', by the scrape.", "s",
                           prom("node_time_seconds - timestamp(node_time_seconds)", "{{host}}")),
                timeseries("collectors", "Collectors that fail",
                           "Parts of the exporter that cannot read any more what they read within the last six hours.", "short",
                           prom("1 - min by (host, collector) (node_scrape_collector_success == 0 "
                                "and max_over_time(node_scrape_collector_success[6h]) == 1)", "{{host}} {{collector}}",
                                may_be_empty="no collector fails on a healthy host"),
                           prom("max by (host) (node_textfile_scrape_error)", "{{host}} a job's file"), min=0),
                timeseries("scrape-duration", "Duration of a scrape", "How long the exporter takes.", "s",
                           prom('scrape_duration_seconds{job="node"}', "{{host}}"), min=0)),
                collapsed=True),
            logs_row(SYSTEM))),
)
