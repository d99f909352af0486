"""The code and the knowledge that travel with a logged model, from raw images to digits with their probabilities.

Begin with digit_model.py, the chain that MLflow loads. Its links are forms.py (whatever people hold becomes pictures;
decoding.py reads the bytes of files), canonical.py (images of one form), features.py, scorers/ (one file for each
kind) and calibration.py (probabilities). abstention.py doubts, with novelty.py, and readings.py is the answer.
geometry.py says what MNIST's form is. ink.py divides the light out, lines.py takes frames away, strokes.py fits the
digit. budget.py bounds what strangers may ask. archive.py keeps the files of a model in one. sharing.py shares out
many pictures to threads. Nothing here learns.
"""
