"""The names of our cookies. None holds anything but what its line says."""

from typing import Final

SESSION: Final = "yuejie_session"
"""The secret of a session."""
SSO: Final = "yuejie_sso"
"""What a login by single sign-on must bring back to the browser it began in."""
LANGUAGE: Final = "yuejie_language"
THEME: Final = "yuejie_theme"
SAID: Final = "yuejie_said"
"""A sentence for the next page."""
