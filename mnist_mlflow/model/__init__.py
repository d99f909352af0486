"""What travels with a logged model: from raw images to features to digits with their probabilities.

Begin with digit_model.py, which MLflow loads; images.py turns what was handed over into images and features.
"""
