"""Prometheus: scraping, rules, notifications, storage and queries of each region's servers."""
