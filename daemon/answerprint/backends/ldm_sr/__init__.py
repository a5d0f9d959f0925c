"""Latent diffusion super-resolution, in the layout of diffusers' LDMSuperResolutionPipeline."""
