"""Blends of networks: `blend` has the weights (no torch), `conventions` the rules, `blender` the tensors."""
