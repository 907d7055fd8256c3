"""Runs as notebooks: generation, a private kernel for each run, and the worker that alone does the steps.

`driver.NotebookDriver` is the way in. A kernel imports this package for `kernel_client`, so nothing is imported here.
"""
