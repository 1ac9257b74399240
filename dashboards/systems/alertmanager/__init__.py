"""Alertmanager: alerts in, notifications out, silences and inhibitions."""
