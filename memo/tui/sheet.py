"""The layout, parsed once for each theme."""

from __future__ import annotations

from textual.css.stylesheet import Stylesheet


class Sheet(Stylesheet):
    """Textual forgets what it parsed at its start and whenever a screen is first shown.

    What a source comes to depends on the variables alone, and those change with the theme.
    """

    def __init__(self, variables: dict[str, str]) -> None:
        super().__init__(variables=variables)

    def set_variables(self, variables: dict[str, str]) -> None:
        """Forget what was parsed with other colours."""
        if variables != self._variables:
            super().set_variables(variables)

    def reparse(self) -> None:
        """Parse what was not yet."""
        self.parse()
