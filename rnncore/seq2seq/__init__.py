"""Sequence to sequence: an encoder, attention, a decoder, and what happens between them."""

from rnncore.seq2seq.attention import SCORES, Attention
from rnncore.seq2seq.checkpoint import available, load, save
from rnncore.seq2seq.dates import Dated, dates, drawn, reading
from rnncore.seq2seq.measure import (
    Alignment,
    Explanation,
    Quality,
    alignment,
    by_length,
    coverage,
    diagonality,
    explanation,
    quality,
    removal,
    shape,
    translations,
)
from rnncore.seq2seq.model import Seq2Seq, Seq2SeqConfig
from rnncore.seq2seq.neighbours import States, nearest, project, states
from rnncore.seq2seq.pairs import Pairs
from rnncore.seq2seq.pairs import load as load_pairs
from rnncore.seq2seq.record import Gradients, TranslationRecording, record
from rnncore.seq2seq.search import Beam, Fusion, Hypothesis, Node, beam, write
from rnncore.seq2seq.tokens import Tokens
from rnncore.seq2seq.train import TranslationConfig, train

__all__ = [
    "SCORES",
    "Alignment",
    "Attention",
    "Beam",
    "Dated",
    "Explanation",
    "Fusion",
    "Gradients",
    "Hypothesis",
    "Node",
    "Pairs",
    "Quality",
    "Seq2Seq",
    "Seq2SeqConfig",
    "States",
    "Tokens",
    "TranslationConfig",
    "TranslationRecording",
    "alignment",
    "available",
    "beam",
    "by_length",
    "coverage",
    "dates",
    "diagonality",
    "drawn",
    "explanation",
    "load",
    "load_pairs",
    "nearest",
    "project",
    "quality",
    "reading",
    "record",
    "removal",
    "save",
    "shape",
    "states",
    "train",
    "translations",
    "write",
]
