"""What travels with a logged model: from raw images to features to digits with their probabilities.

Begin with digit_model.py, the chain that MLflow loads: canonical.py makes images of whatever is handed over,
features.py features of them, a file of scorers/ scores, calibration.py probabilities, readings.py the answer. Nothing
here learns.
"""
