"""Arazzo 1.0 and 1.1: documents to scenarios, and back."""
