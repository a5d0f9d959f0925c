"""One-step generators: GAN restoration networks, such as Real-ESRGAN's."""
