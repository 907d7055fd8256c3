"""Deriving tests: process models to graphs, graphs to suites, suites to scenarios bound to real operations."""
