"""Adapters that speak to systems under test, one folder per protocol."""
