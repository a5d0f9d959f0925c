"""Stable Diffusion x4 upscaler, in the layout of diffusers' StableDiffusionUpscalePipeline."""
