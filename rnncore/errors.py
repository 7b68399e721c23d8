"""What can go wrong, as sentences for people: what was expected, what came, what to do."""


class Error(Exception):
    """Base of every error meant to be read by a person; ``str(error)`` is the sentence."""


class CheckpointError(Error):
    """A checkpoint is missing, damaged, from a newer version, or does not fit its own description."""


class RecordingError(Error):
    """A recording cannot be made of this text, or a recording file is damaged."""


class TrainingError(Error):
    """A training cannot start, or had to stop."""


class CorpusError(Error):
    """A corpus is unknown, not at hand, or not text."""


class VocabularyError(Error):
    """A text or a symbol that the vocabulary cannot hold."""
