"""Reading: from the blocks of a chunk (`spark/content`) to records (`records`) and the texts of their fields (`fields`)."""
