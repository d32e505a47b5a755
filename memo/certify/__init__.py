"""Measuring a model by itself: verdicts, extraction, answers, and a certificate of all of them.

Whole methods are compared elsewhere; here one model is put through memo's own ways of reading and
answering, in throw-away homes, on the probes of assets/certify.
"""

from memo.certify.certificate import MINUTES, Certified, certify
from memo.certify.figures import Rate
from memo.certify.results import Results
from memo.certify.running import Probe, Progress, measure
from memo.certify.throwaway import sharing

__all__ = [
    "MINUTES",
    "Certified",
    "Probe",
    "Progress",
    "Rate",
    "Results",
    "certify",
    "measure",
    "sharing",
]
