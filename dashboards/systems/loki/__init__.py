"""Loki: where the lines of every service of a region are stored, searched and watched by rules."""
