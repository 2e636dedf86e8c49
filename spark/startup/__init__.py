"""What Spark's Python processes do at their start. Not imported: the directory is on their PYTHONPATH."""
