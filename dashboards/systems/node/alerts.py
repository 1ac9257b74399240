"""What wakes or asks somebody about a host. One fault, one alert: a host that is gone silences what it explains."""

from dashboards.model import Alert, Inhibit, Proof, Recording, Threshold

HOST = 'instance="app-eu-1:9100",job="node",region="eu",host="app-eu-1",system="node"'
DISK = f'{HOST},device="/dev/vda1",fstype="ext4",mountpoint="/"'
NIC = f'{HOST},device="eth0"'
REAL = 'fstype!~"tmpfs|ramfs|squashfs|overlay|iso9660|erofs"'
GIB = 1 << 30


def disk(avail: str, size: int = 100 * GIB, readonly: int = 0) -> dict[str, str]:
    """A file system's series."""
    return {f"node_filesystem_avail_bytes{{{DISK}}}": avail, f"node_filesystem_size_bytes{{{DISK}}}": str(size),
            f"node_filesystem_readonly{{{DISK}}}": str(readonly)}


def files(free: str, size: int = 1_000_000) -> dict[str, str]:
    return {f"node_filesystem_files_free{{{DISK}}}": free, f"node_filesystem_files{{{DISK}}}": str(size),
            f"node_filesystem_readonly{{{DISK}}}": "0"}


RECORDINGS = (
    Recording("instance:node_cpu_utilisation:ratio_rate5m",
              '1 - avg without (cpu) (sum without (mode) (rate(node_cpu_seconds_total{mode=~"idle|iowait|steal"}[5m])))',
              "ratio", "Share of the processors' time that was used"),
    Recording("instance:node_memory_utilisation:ratio", "1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes",
              "ratio", "Share of the memory that is in use"),
)

ALERTS = (
    Alert(
        "NodeDown", "critical", 'up{job="node"} == 0', "2m",
        "Host {{ $labels.host }} in {{ $labels.region }} does not answer its scrape (up is {{ $value }})",
        "The exporter of {{ $labels.instance }} has not answered for two minutes. Either the host is gone, the network to it is cut, or "
        "only the exporter died.",
        "overview/up",
        Proof(firing={f"up{{{HOST}}}": "0"}, silent={f"up{{{HOST}}}": "1"}),
        inhibits=(Inhibit(("*",), ("region", "host"), system="*"),)),
    Alert(
        "NodeRebooted", "info", "time() - node_boot_time_seconds < $booted", "0s",
        "Host {{ $labels.host }} was started {{ $value | humanizeDuration }} ago",
        "A restart that nobody announced is worth a look at the journal of the boot before.",
        "overview/uptime",
        Proof(firing={f"node_boot_time_seconds{{{HOST}}}": "0+60"}, silent={f"node_boot_time_seconds{{{HOST}}}": "-10000"}),
        thresholds=(Threshold("booted", 600, "seconds", "time after a start in which it is told"),)),
    Alert(
        "NodeCpuSaturated", "warning",
        "rate(node_pressure_cpu_waiting_seconds_total[5m]) > $cpu_waiting and on (instance) instance:node_cpu_utilisation:ratio_rate5m > "
        "$cpu_used", "15m",
        "Work waits for a processor on {{ $labels.host }} for {{ $value | humanizePercentage }} of the time",
        "All processors are busy and tasks queue for them; requests served by this host get slower.",
        "overview/cpu-pressure",
        Proof(firing={f"node_pressure_cpu_waiting_seconds_total{{{HOST}}}": "0+50",
                      f'node_cpu_seconds_total{{{HOST},cpu="0",mode="idle"}}': "0+1"},
              silent={f"node_pressure_cpu_waiting_seconds_total{{{HOST}}}": "0+1",
                      f'node_cpu_seconds_total{{{HOST},cpu="0",mode="idle"}}': "0+50"}),
        thresholds=(Threshold("cpu_waiting", 0.6, "ratio", "share of the time in which some task waited for a processor"),
                    Threshold("cpu_used", 0.9, "ratio", "share of the processors' time that is used, below which waiting is no matter"))),
    Alert(
        "NodeMemoryExhausted", "critical", "node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes < $memory_available", "10m",
        "Host {{ $labels.host }} has {{ $value | humanizePercentage }} of its memory left",
        "The kernel will soon kill a process to go on. Find the one that grows before it does.",
        "overview/memory-used",
        Proof(firing={f"node_memory_MemAvailable_bytes{{{HOST}}}": str(GIB // 4), f"node_memory_MemTotal_bytes{{{HOST}}}": str(16 * GIB)},
              silent={f"node_memory_MemAvailable_bytes{{{HOST}}}": str(8 * GIB), f"node_memory_MemTotal_bytes{{{HOST}}}": str(16 * GIB)}),
        thresholds=(Threshold("memory_available", 0.05, "ratio", "share of the memory that is still available"),)),
    Alert(
        "NodeMemoryPressure", "warning", "rate(node_pressure_memory_stalled_seconds_total[5m]) > $memory_stalled", "10m",
        "All work on {{ $labels.host }} stood still for want of memory for {{ $value | humanizePercentage }} of the time",
        "The host reclaims memory instead of working: its working set does not fit.",
        "overview/memory-pressure",
        Proof(firing={f"node_pressure_memory_stalled_seconds_total{{{HOST}}}": "0+12"},
              silent={f"node_pressure_memory_stalled_seconds_total{{{HOST}}}": "0+0"}),
        thresholds=(Threshold("memory_stalled", 0.1, "ratio", "share of the time in which all tasks waited for memory"),)),
    Alert(
        "NodeOomKill", "warning", "increase(node_vmstat_oom_kill[10m]) > 0", "0s",
        "The kernel of {{ $labels.host }} killed {{ $value | humanize }} processes for want of memory in ten minutes",
        "A process was ended from outside; its service restarts or is gone. The kernel's lines name it.",
        "overview/oom",
        Proof(firing={f"node_vmstat_oom_kill{{{HOST}}}": "0+1"}, silent={f"node_vmstat_oom_kill{{{HOST}}}": "3"})),
    Alert(
        "NodeFilesystemFull", "critical",
        f"node_filesystem_avail_bytes{{{REAL}}} / node_filesystem_size_bytes{{{REAL}}} < $filesystem_free "
        f"and node_filesystem_readonly{{{REAL}}} == 0", "5m",
        "File system {{ $labels.mountpoint }} of {{ $labels.host }} has {{ $value | humanizePercentage }} of its space left",
        "Services that write to it will fail soon; databases and Prometheus stop.",
        "overview/filesystem-used",
        Proof(firing=disk(str(2 * GIB)), silent=disk(str(50 * GIB))),
        thresholds=(Threshold("filesystem_free", 0.05, "ratio", "share of a file system's space that is left"),),
        inhibits=(Inhibit(("NodeFilesystemFilling",), ("region", "host", "mountpoint")),)),
    Alert(
        "NodeFilesystemFilling", "warning",
        f"node_filesystem_avail_bytes{{{REAL}}} / node_filesystem_size_bytes{{{REAL}}} < $filesystem_filling_free "
        f"and predict_linear(node_filesystem_avail_bytes{{{REAL}}}[6h], 24 * 3600) < 0 and node_filesystem_readonly{{{REAL}}} == 0", "1h",
        "File system {{ $labels.mountpoint }} of {{ $labels.host }} has {{ $value | humanizePercentage }} left and will be full within a "
        "day",
        "At the pace of the last six hours there is no space left tomorrow.",
        "overview/filesystem-used",
        Proof(firing=disk(f"{38 * GIB}-{GIB // 20}"), silent=disk(str(30 * GIB))),
        thresholds=(Threshold("filesystem_filling_free", 0.4, "ratio", "share of the space left from which on the forecast counts"),)),
    Alert(
        "NodeFilesystemOutOfInodes", "critical",
        f"node_filesystem_files_free{{{REAL}}} / node_filesystem_files{{{REAL}}} < $inodes_free "
        f"and node_filesystem_readonly{{{REAL}}} == 0", "5m",
        "File system {{ $labels.mountpoint }} of {{ $labels.host }} has {{ $value | humanizePercentage }} of its inodes left",
        "No new file can be made although there is space: something makes very many small files.",
        "overview/inodes-used",
        Proof(firing=files("20000"), silent=files("800000")),
        thresholds=(Threshold("inodes_free", 0.05, "ratio", "share of a file system's inodes that is left"),)),
    Alert(
        "NodeFilesystemReadOnly", "critical",
        f"node_filesystem_readonly{{{REAL}}} == 1 and min_over_time(node_filesystem_readonly{{{REAL}}}[1h]) == 0", "0s",
        "File system {{ $labels.mountpoint }} of {{ $labels.host }} became read-only (readonly is {{ $value }})",
        "The kernel remounts a file system read-only after errors of its device: expect failing hardware.",
        "overview/filesystem-used",
        Proof(firing={f"node_filesystem_readonly{{{DISK}}}": "0 1"}, silent={f"node_filesystem_readonly{{{DISK}}}": "0"}, minutes=40)),
    Alert(
        "NodeDiskSaturated", "warning", "rate(node_disk_io_time_weighted_seconds_total[5m]) > $disk_queue", "30m",
        "{{ $value | humanize }} requests wait at device {{ $labels.device }} of {{ $labels.host }}",
        "The device takes more work than it can do; all that reads or writes gets slower.",
        "overview/disk-queue",
        Proof(firing={f"node_disk_io_time_weighted_seconds_total{{{HOST},device=\"vda\"}}": "0+900"},
              silent={f"node_disk_io_time_weighted_seconds_total{{{HOST},device=\"vda\"}}": "0+60"}),
        thresholds=(Threshold("disk_queue", 10, "requests", "requests that wait at one device on average"),)),
    Alert(
        "NodeNetworkErrors", "warning",
        "(rate(node_network_receive_errs_total[5m]) + rate(node_network_transmit_errs_total[5m])) "
        "/ (rate(node_network_receive_packets_total[5m]) + rate(node_network_transmit_packets_total[5m]) > 0) > $network_errors", "30m",
        "{{ $value | humanizePercentage }} of the packets at {{ $labels.device }} of {{ $labels.host }} have errors",
        "A cable, a port or a driver is at fault; connections get slow before they break.",
        "overview/network-errors",
        Proof(firing={f"node_network_receive_errs_total{{{NIC}}}": "0+60", f"node_network_transmit_errs_total{{{NIC}}}": "0+0",
                      f"node_network_receive_packets_total{{{NIC}}}": "0+600", f"node_network_transmit_packets_total{{{NIC}}}": "0+600"},
              silent={f"node_network_receive_errs_total{{{NIC}}}": "0+0", f"node_network_transmit_errs_total{{{NIC}}}": "0+0",
                      f"node_network_receive_packets_total{{{NIC}}}": "0+600", f"node_network_transmit_packets_total{{{NIC}}}": "0+600"}),
        thresholds=(Threshold("network_errors", 0.01, "ratio", "share of the packets with an error"),)),
    Alert(
        "NodeConntrackFull", "warning", "node_nf_conntrack_entries / node_nf_conntrack_entries_limit > $conntrack_used", "5m",
        "The firewall of {{ $labels.host }} tracks {{ $value | humanizePercentage }} of the connections that it can",
        "When the table is full, new connections are dropped without a word to either side.",
        "overview/conntrack",
        Proof(firing={f"node_nf_conntrack_entries{{{HOST}}}": "9000", f"node_nf_conntrack_entries_limit{{{HOST}}}": "10000"},
              silent={f"node_nf_conntrack_entries{{{HOST}}}": "900", f"node_nf_conntrack_entries_limit{{{HOST}}}": "10000"}),
        thresholds=(Threshold("conntrack_used", 0.8, "ratio", "share of the connection table that is in use"),)),
    Alert(
        "NodeFileDescriptorsExhausted", "critical", "node_filefd_allocated / node_filefd_maximum > $files_used", "15m",
        "{{ $value | humanizePercentage }} of the file descriptors of {{ $labels.host }} are in use",
        "When they run out, no process can open a file or a connection.",
        "overview/file-descriptors",
        Proof(firing={f"node_filefd_allocated{{{HOST}}}": "95", f"node_filefd_maximum{{{HOST}}}": "100"},
              silent={f"node_filefd_allocated{{{HOST}}}": "5", f"node_filefd_maximum{{{HOST}}}": "100"}),
        thresholds=(Threshold("files_used", 0.9, "ratio", "share of the host's file descriptors that is in use"),)),
    Alert(
        "NodeClockSkew", "warning", "abs(node_time_seconds - timestamp(node_time_seconds)) > $clock_skew", "10m",
        "The clock of {{ $labels.host }} is {{ $value | humanizeDuration }} off",
        "Certificates, tokens and the order of log lines depend on clocks that agree.",
        "overview/clock",
        Proof(firing={f"node_time_seconds{{{HOST}}}": "30+60"}, silent={f"node_time_seconds{{{HOST}}}": "_"}),
        thresholds=(Threshold("clock_skew", 2, "seconds", "difference between the host's clock and that of its Prometheus, by the scrape"),
                    )),
    Alert(
        "NodeCollectorFailed", "warning",
        # A collector of hardware that a host does not have never worked: that is no fault.
        "node_scrape_collector_success == 0 and max_over_time(node_scrape_collector_success[6h]) == 1", "15m",
        "Collector {{ $labels.collector }} of the exporter on {{ $labels.host }} fails (success is {{ $value }})",
        "Its metrics are missing, and with them the alerts that need them.",
        "overview/collectors",
        Proof(firing={f'node_scrape_collector_success{{{HOST},collector="netdev"}}': "1 0"},
              silent={f'node_scrape_collector_success{{{HOST},collector="netdev"}}': "1"}, minutes=40)),
    Alert(
        "NodeTextfileBroken", "warning", "node_textfile_scrape_error == 1", "5m",
        "The exporter of {{ $labels.host }} cannot read a file that a job left for it (error is {{ $value }})",
        "What the job measures is missing: the last governance run, the last sync of Grafana, and the alerts on them.",
        "overview/collectors",
        Proof(firing={f"node_textfile_scrape_error{{{HOST}}}": "1"}, silent={f"node_textfile_scrape_error{{{HOST}}}": "0"})),
)
