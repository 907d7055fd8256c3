"""Composition: the only place that knows concrete adapters, and the services every surface calls."""
