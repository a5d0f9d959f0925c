"""A comparison as one self-contained HTML file: stills, wipes, temporal profiles, a plot and the table."""
