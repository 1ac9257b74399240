"""Units of systemd on every host."""
