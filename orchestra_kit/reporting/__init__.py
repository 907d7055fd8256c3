"""Reports of runs: the process picture, one self-contained HTML file, JUnit XML and JSON."""
