"""Dead letters: looked at (`reads`), taken apart for repair (`records`), and sent back (`replay`)."""
