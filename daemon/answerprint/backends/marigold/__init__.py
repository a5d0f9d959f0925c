"""Marigold monocular depth, in the layout of diffusers' MarigoldDepthPipeline."""
