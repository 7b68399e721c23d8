"""The corpora that are known by name: what they are, where they lie, and the hash that proves them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

_GITHUB = "https://raw.githubusercontent.com"
_MULTI30K = f"{_GITHUB}/multi30k/dataset/master/data/task1/raw"
_REVIEWS = f"{_GITHUB}/openai/generating-reviews-discovering-sentiment/master/data"


@dataclass(frozen=True)
class File:
    """One file of a corpus: its place in a data folder, its size in bytes, its SHA-256, its address."""

    path: str
    size: int
    sha256: str = ""
    address: str = ""


@dataclass(frozen=True)
class Entry:
    """One corpus of the catalogue.

    ``text`` tells whether it is one running text, to be loaded and trained on. ``recipe`` says how to make
    it where there is no address to download it from.
    """

    name: str
    title: str
    licence: str
    source: str
    files: tuple[File, ...]
    text: bool = True
    recipe: str = ""

    @property
    def size(self) -> int:
        """Bytes to download; for a corpus with a recipe, bytes of the text."""
        return sum(file.size for file in self.files)


_entries = (
    Entry(
        "shakespeare",
        "a selection of Shakespeare's plays (tinyshakespeare)",
        "public domain",
        "https://github.com/karpathy/char-rnn",
        (
            File(
                "shakespeare/input.txt",
                1_115_394,
                "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
                f"{_GITHUB}/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
            ),
        ),
    ),
    Entry(
        "warpeace",
        "Tolstoy's War and Peace, as in Karpathy (2015)",
        "public domain",
        "https://www.gutenberg.org/ebooks/2600",
        (
            File(
                "warpeace/input.txt",
                3_258_250,
                "52adf13b4aeeb5a84199b1ad2ef4781966839d4f9e707d552b42e3422cd17581",
                "https://cs.stanford.edu/people/karpathy/char-rnn/warpeace_input.txt",
            ),
        ),
    ),
    Entry(
        "linux",
        "C source: the kernel folder of Linux 6.1",
        "GPL-2.0",
        "https://www.kernel.org",
        (File("linux/kernel.c", 6_206_996),),
        recipe="Unpack linux-6.1.tar.xz from kernel.org and join kernel/**/*.[ch] in random order.",
    ),
    Entry(
        "latex",
        "LaTeX source: the Stacks project, algebraic geometry",
        "GFDL-1.2",
        "https://github.com/stacks/stacks-project",
        (File("latex/stacks.tex", 16_000_000),),
        recipe="Clone the Stacks project from GitHub and join its *.tex in order of name, 16 MB of them.",
    ),
    Entry(
        "names",
        "32,033 first names, one a line",
        "MIT",
        "https://github.com/karpathy/makemore",
        (
            File(
                "names/names.txt",
                228_145,
                "0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d",
                f"{_GITHUB}/karpathy/makemore/master/names.txt",
            ),
        ),
    ),
    Entry(
        "imdb",
        "film reviews with ratings, Maas et al. (2011)",
        "for research; cite Maas et al. (2011)",
        "https://ai.stanford.edu/~amaas/data/sentiment",
        (
            File(
                "imdb/aclImdb_v1.tar.gz",
                84_125_825,
                "c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
                "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
            ),
        ),
        text=False,
    ),
    Entry(
        "sst",
        "the Stanford Sentiment Treebank, binary, sentences, Socher et al. (2013)",
        "for research; cite Socher et al. (2013)",
        "https://github.com/openai/generating-reviews-discovering-sentiment",
        (
            File(
                "sst/train.csv",
                726_331,
                "6003623bcb35aad3a446a265b8931b7ccab61fcc10f2e9c1fec916ff67c7be35",
                f"{_REVIEWS}/train_binary_sent.csv",
            ),
            File(
                "sst/dev.csv",
                92_802,
                "f34c4987fea208fefc2d62a1b42c83a766cbfc7ce58c2a878ef953cf91f01729",
                f"{_REVIEWS}/dev_binary_sent.csv",
            ),
        ),
        text=False,
    ),
    Entry(
        "multi30k",
        "image captions in English, German and French, Elliott et al. (2016)",
        "for research; cite Elliott et al. (2016)",
        "https://github.com/multi30k/dataset",
        (
            File(
                "multi30k/train.de.gz",
                637_044,
                "726e39b2fa9eb9ffb6dc763fb35a179f80fae06ffc5d28b6ace5faa883de28a6",
                f"{_MULTI30K}/train.de.gz",
            ),
            File(
                "multi30k/train.en.gz",
                568_929,
                "d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f",
                f"{_MULTI30K}/train.en.gz",
            ),
            File(
                "multi30k/train.fr.gz",
                604_242,
                "622e75069e9f4c577425c4f277116ce66e63a2401c0a2312d90073cb12379a3c",
                f"{_MULTI30K}/train.fr.gz",
            ),
            File(
                "multi30k/val.de.gz",
                24_681,
                "f0cba2f995189cf5770f29a8a9a537a3ad3f51657ad873405082ff6863a5e75a",
                f"{_MULTI30K}/val.de.gz",
            ),
            File(
                "multi30k/val.en.gz",
                21_650,
                "14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28",
                f"{_MULTI30K}/val.en.gz",
            ),
            File(
                "multi30k/val.fr.gz",
                23_001,
                "ca3106f1a72390591d25f6c45cb4cd39dec4cd3f123e099748a3ce5256c160e9",
                f"{_MULTI30K}/val.fr.gz",
            ),
            File(
                "multi30k/test_2016_flickr.de.gz",
                22_890,
                "9204244e408ccb38d2a55cfcd344df15005fc42a07a6e55ca6c52b6ababb8cc8",
                f"{_MULTI30K}/test_2016_flickr.de.gz",
            ),
            File(
                "multi30k/test_2016_flickr.en.gz",
                21_077,
                "611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9",
                f"{_MULTI30K}/test_2016_flickr.en.gz",
            ),
            File(
                "multi30k/test_2016_flickr.fr.gz",
                22_310,
                "6d326e188d259fb1d04ac19eae3af956559b3a0b93d7635e56c90987c40c8b90",
                f"{_MULTI30K}/test_2016_flickr.fr.gz",
            ),
        ),
        text=False,
    ),
    Entry(
        "blimp",
        "67,000 pairs of a grammatical and an ungrammatical sentence, Warstadt et al. (2020)",
        "CC-BY-4.0",
        "https://github.com/alexwarstadt/blimp",
        (
            File(
                "blimp/blimp.zip",
                2_354_164,
                "172a1a714d72e72a89e8384dd531483f3d0f8a9aee3d33dccaf7992d8cecbb73",
                f"{_GITHUB}/alexwarstadt/blimp/master/BLiMP.zip",
            ),
        ),
        text=False,
    ),
)

catalogue: Mapping[str, Entry] = MappingProxyType({entry.name: entry for entry in _entries})
"""Every known corpus by name."""
