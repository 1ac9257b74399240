"""Linux hosts: processor, memory, disks, file systems, network, time."""
