"""The command `clickstream`: one module per subcommand, named after it, holding a click command `command`.

A module here reads its options, calls the part that does the work and prints. `__main__` finds the subcommands.
"""


def main() -> None:
    """The entry point of the installed command, loaded on use like everything here."""
    from clickstream_assets.cli.__main__ import main as run

    run()
