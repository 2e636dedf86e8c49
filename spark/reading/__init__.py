"""Reading: from the bytes of a chunk (`content`) to records (`records`) and the texts of their fields (`fields`)."""
