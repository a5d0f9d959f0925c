"""A comparison as one HTML file that a colleague can open anywhere: pictures, wipes, profiles, a plot and the table."""
