"""Governance: what the assessment of the controls found, as metrics and lines."""
