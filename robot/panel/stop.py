"""E-STOP in the browser: a button on every tab, and one key wherever the cursor is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

LABEL: Final = "E-STOP  (Esc)"
# The server's own hotkeys are deaf while a text field or a slider has the focus, and a menu that
# is open takes Escape for itself. A listener on the window that is called before all others
# is not, and presses the button. A script that comes as HTML never runs, but an image that
# cannot be loaded says so.
_LISTEN: Final = """
<img src="" alt="" style="display:none" onerror="
  if (window.mienStop) return;
  window.mienStop = true;
  window.addEventListener('keydown', event => {
    if (event.key !== 'Escape' || event.repeat) return;
    const button = [...document.querySelectorAll('button')]
      .find(b => b.innerText.trim().startsWith('E-STOP'));
    if (button) button.click();
  }, true);
">"""


def add_stop(gui: Any, stop: Callable[[], None]) -> None:
    """A window of its own that stays on the screen; ``stop`` is called at every press."""
    window = gui.add_panel()
    with window.add_tab("STOP"):
        button = gui.add_button(LABEL, color="red", hint="Outputs off at once, until mien clear")
        gui.add_html(_LISTEN)
    window.float(x=16, y=-16, width=240)
    button.on_click(lambda _: stop())
