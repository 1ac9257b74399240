"""Jaeger: where the traces of every service of a region are stored and searched."""
