"""Selective reading: the errors among the answers that count as sure, and the share of answers that do."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Flags = npt.NDArray[np.bool_]
Shares = npt.NDArray[np.float64]

ALLOWED = (0.001, 0.003, 0.01, 0.03, 0.1)  # errors that are shown


def selective(correct: Flags, sure: Flags) -> dict[str, float]:
    """The share of answers (n,) that are sure, and that of wrong ones among these, where there are some."""
    error = {"selective_error": float((~correct[sure]).mean())} if sure.any() else {}
    return {"coverage": float(sure.mean()), **error}


def risk_coverage(correct: Flags) -> tuple[Shares, Shares]:
    """Coverage and error (n,) of the first 1, 2, … n answers, which come in the order of their ranks.

    Source: El-Yaniv and Wiener, On the foundations of noise-free selective classification, 2010.
    """
    counts = np.arange(1, len(correct) + 1)
    return counts / len(correct), np.cumsum(~correct) / counts


def promises(ranks: npt.NDArray[np.floating], correct: Flags) -> tuple[Shares, Shares]:
    """Thresholds (k,), which fall, and the error (k,), which rises, that each promises of the answers above it.

    Takes ranks (n,) of answers and whether each is right, of images that taught nothing. Where w of m answers above a
    threshold are wrong, it promises (w + 1) / (m + 1). One more mistake stands for the next image.
    Source: Angelopoulos et al., Conformal risk control, 2022; as a share of the answers that are given, Geifman and
    El-Yaniv, Selective classification for deep neural networks, 2017.
    """
    order = np.argsort(-ranks, kind="stable")
    wrong = ranks[order][~correct[order]]
    thresholds = np.append(np.unique(wrong)[::-1], -np.inf)
    above = len(ranks) - np.searchsorted(np.sort(ranks), thresholds, side="right")
    errors = len(wrong) - np.searchsorted(wrong[::-1], thresholds, side="right")
    promised = (errors + 1) / (above + 1)
    is_least = promised < np.append(np.minimum.accumulate(promised[:0:-1])[::-1], np.inf)
    return thresholds[is_least], promised[is_least]
