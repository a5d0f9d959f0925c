"""Tests of putting clips back into a project, and of undo."""
