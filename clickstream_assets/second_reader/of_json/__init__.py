"""JSON: records that are an object a line, lines of JSON that is written otherwise, and values within a text of it."""
