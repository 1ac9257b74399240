"""One folder a system; the folder's name is the system's id."""
