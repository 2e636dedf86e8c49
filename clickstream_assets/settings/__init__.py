"""The settings: every `CLICKSTREAM_*` variable that this project reads. `fields` lists them, and is the way in.

`values` says what kinds of values there are, and `environment` where they come from.
"""

from clickstream_assets.settings.fields import ROLE_PREFIX, SECRET_VARIABLES, Settings

__all__ = ["ROLE_PREFIX", "SECRET_VARIABLES", "Settings"]
