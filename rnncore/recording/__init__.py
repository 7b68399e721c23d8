"""What happened inside: a model and a text, or a module and its inputs, make a Recording."""

from rnncore.recording.instrument import record_module
from rnncore.recording.record import record, record_pieces, score
from rnncore.recording.recording import Recording
from rnncore.recording.unit import unit_signals

__all__ = ["Recording", "record", "record_module", "record_pieces", "score", "unit_signals"]
