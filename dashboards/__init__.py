"""PSF Observatory's content as code: dashboards, alerts, SLOs and runbooks of every system, and the bundle made of them.

A system is a folder under systems/; the command `observatory` (dashboards/cli.py) lists, checks and renders them.
Nothing here knows Ansible: the estate comes in as a file, the bundle goes out as a directory.
"""
