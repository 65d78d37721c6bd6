"""The faces that ship."""

from typing import Final

DEFAULT_FACE: Final = "morpheus33"
"""The face of a command that names none."""
