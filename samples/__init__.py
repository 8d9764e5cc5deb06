"""How the sample models are made: painted pictures, adversarial training, figures. Not part of the package."""
