"""Grafana: whether it is there, and whether it holds what the code says."""
