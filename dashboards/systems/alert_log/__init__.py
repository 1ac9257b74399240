"""The log of notifications: who was told what, and when."""
