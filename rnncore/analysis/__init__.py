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
from rnncore.analysis.response import CoClusters, Response, co_clusters, response
from rnncore.analysis.sample import Sample, column_of, sample, untrained
from rnncore.analysis.saturation import saturation, saturation_of, saturation_over_training
from rnncore.analysis.scores import Scores, scores
from rnncore.analysis.snippets import snippets

__all__ = [
    "LANGUAGES",
    "VERDICTS",
    "Brush",
    "CellIndex",
    "Closing",
    "CoClusters",
    "Dictionary",
    "Effect",
    "Feature",
    "HeldOut",
    "Ladder",
    "NGrams",
    "On",
    "Probe",
    "Removal",
    "Response",
    "Sample",
    "Scores",
    "States",
    "Written",
    "balanced",
    "closed",
    "closing",
    "co_clusters",
    "column",
    "column_of",
    "dictionary",
    "feature",
    "features",
    "find_feature",
    "fitting",
    "held_out",
    "index",
    "inside",
    "labels",
    "ladder",
    "language_of",
    "log_probabilities",
    "matching",
    "nearest",
    "ngrams",
    "predictability",
    "probe",
    "response",
    "sample",
    "saturation",
    "saturation_of",
    "saturation_over_training",
    "scores",
    "snippets",
    "states",
    "suiting",
    "untrained",
    "within",
    "writing",
]
