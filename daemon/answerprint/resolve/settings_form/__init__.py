"""Settings asked of a person: one form as data, and the ways to show it, in Resolve, in a window, on a terminal."""
