"""The terminal application: screens over `Memory`, one screen or widget a file."""
