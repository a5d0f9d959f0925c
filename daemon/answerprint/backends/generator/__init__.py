"""One-step generators: networks that draw a sharp picture in one pass, such as Real-ESRGAN's."""
