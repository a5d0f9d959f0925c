"""Models: one folder per family. Only this package imports diffusers, transformers and spandrel.

`catalogue` lists models without importing torch; `load` loads a model into memory.
"""
