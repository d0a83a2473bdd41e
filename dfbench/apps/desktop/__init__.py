"""The window on the desktop: a picture is chosen, and a kept detector says what it is."""
