"""Somebody else's network as a LanguageModel: from modules, from a checkpoint, from OpenAI's arrays."""

from rnncore.network.adoption.assemble import adopt
from rnncore.network.adoption.files import import_checkpoint

__all__ = ["adopt", "import_checkpoint"]
