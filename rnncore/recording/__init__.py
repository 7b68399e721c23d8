"""What happened inside: a model and a text make a Recording."""

from rnncore.recording.record import record, score
from rnncore.recording.recording import Recording

__all__ = ["Recording", "record", "score"]
