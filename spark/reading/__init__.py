"""Reading: from the blocks of a chunk to records (`records`) and the texts of their fields (`fields`)."""
