"""`clickstream check-source`: some files of a directory are read and cleaned (`sampling`), and nothing is stored."""
