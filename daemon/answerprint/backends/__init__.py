"""The models: one folder a family. diffusers, transformers and spandrel are known here only.

`catalogue` lists what there is without importing torch; `load` brings a model into memory.
"""
