"""What units and models do over texts: evidence, patterns, responses, errors."""

from rnncore.analysis import features_code, features_text  # noqa: F401  they enter their features
from rnncore.analysis.cause import Effect, Removal, Written, closed, writing
from rnncore.analysis.cell_index import CellIndex, index
from rnncore.analysis.dictionary import VERDICTS, Dictionary, dictionary
from rnncore.analysis.errors import Closing, Ladder, closing, ladder, log_probabilities
from rnncore.analysis.features import (
    LANGUAGES,
    Feature,
    column,
    feature,
    features,
    inside,
    labels,
    matching,
    predictability,
    suiting,
    within,
)
from rnncore.analysis.features import find as find_feature
from rnncore.analysis.held_out import HeldOut, held_out, language_of
from rnncore.analysis.match import Brush, On, fitting, nearest
from rnncore.analysis.ngrams import NGrams, ngrams
from rnncore.analysis.probes import Probe, States, balanced, probe, states
from rnncore.analysis.response import CoClusters, Response, co_clusters, loudest, response, response_of
from rnncore.analysis.sample import Sample, column_of, sample, untrained, untrained_models
from rnncore.analysis.saturation import MARGIN, saturation, saturation_of, saturation_over_training
from rnncore.analysis.scores import Scores, scores
from rnncore.analysis.sentiment import sentiment
from rnncore.analysis.sentiment_along import Along, along
from rnncore.analysis.sentiment_found import Reading, Sentiment
from rnncore.analysis.sentiment_states import final_states
from rnncore.analysis.sentiment_steer import TOGETHER, held_at, spoken, steer, steered, strength
from rnncore.analysis.sentiment_texts import Labelled, labelled
from rnncore.analysis.sentiment_texts import read as read_texts
from rnncore.analysis.sentiment_words import Words
from rnncore.analysis.snippets import snippets, snippets_of

__all__ = [
    "LANGUAGES",
    "MARGIN",
    "TOGETHER",
    "VERDICTS",
    "Along",
    "Brush",
    "CellIndex",
    "Closing",
    "CoClusters",
    "Dictionary",
    "Effect",
    "Feature",
    "HeldOut",
    "Labelled",
    "Ladder",
    "NGrams",
    "On",
    "Probe",
    "Reading",
    "Removal",
    "Response",
    "Sample",
    "Scores",
    "Sentiment",
    "States",
    "Words",
    "Written",
    "along",
    "balanced",
    "closed",
    "closing",
    "co_clusters",
    "column",
    "column_of",
    "dictionary",
    "feature",
    "features",
    "final_states",
    "find_feature",
    "fitting",
    "held_at",
    "held_out",
    "index",
    "inside",
    "labelled",
    "labels",
    "ladder",
    "language_of",
    "log_probabilities",
    "loudest",
    "matching",
    "nearest",
    "ngrams",
    "predictability",
    "probe",
    "read_texts",
    "response",
    "response_of",
    "sample",
    "saturation",
    "saturation_of",
    "saturation_over_training",
    "scores",
    "sentiment",
    "snippets",
    "snippets_of",
    "spoken",
    "states",
    "steer",
    "steered",
    "strength",
    "suiting",
    "untrained",
    "untrained_models",
    "within",
    "writing",
]
