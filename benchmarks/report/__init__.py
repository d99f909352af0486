"""RESULTS.md, written from results.json: page.py puts the sections in order, one file for each part writes them."""
