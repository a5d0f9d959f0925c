"""tiny-x4: the embedded model, trained by this project."""
