"""The stream as a program: its session, intake, query and end. `stream` is the way in."""
