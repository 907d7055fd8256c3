"""The processes of the demonstration shop; each service module is started on its own with `python -m`."""
