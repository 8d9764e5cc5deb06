"""How the sample models are made: painting, adversarial training, figures. Not part of the package."""
