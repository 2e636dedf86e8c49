"""From the rename of a file to its rows being visible: of the stream alone, and beside the usual Spark job."""
