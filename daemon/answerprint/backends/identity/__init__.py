"""No model: every picture as it is."""
