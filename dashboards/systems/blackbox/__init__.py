"""Endpoints and certificates as a client sees them, and the exporter that asks."""
