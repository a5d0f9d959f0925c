"""Stable Diffusion fine-tuned to restore a picture in one step, in the layout of diffusers' StableDiffusionPipeline."""
