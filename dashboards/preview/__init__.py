"""Every dashboard of a bundle as a page, drawn from live or recorded data, without Grafana: the command `observatory preview`."""
