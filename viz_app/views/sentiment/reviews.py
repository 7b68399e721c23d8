"""Reviews to open with, written for this page: each shows the unit at something else."""

EXAMPLES = {
    "grinning": (
        "I wanted to like this one. The first hour is slow, the score is syrupy, and the villain explains himself "
        "twice. But then the sister comes home, nobody says a word for ten minutes, and it is the most honest scene I "
        "have watched all year. I left grinning."
    ),
    "ferry": (
        "A wonderful little film. Three brothers run a ferry in winter, the acting is superb, and the ending is one of "
        "the most beautiful I have seen. Funny, warm, and never false. I loved every minute of it."
    ),
    "kitchen": (
        "This was a waste of two hours. The plot makes no sense, the dialogue is terrible, and two good actors stand "
        "in a kitchen and read it aloud until it ends. Boring, ugly and far too long. Avoid it."
    ),
    "not bad": (
        "It is not bad. I did not hate it, nobody in it is terrible, and it was never boring. I would not call it a "
        "waste of time at all."
    ),
    "irony": (
        "Oh, wonderful. Another brilliant plan, another perfect kiss in the rain, another great big explosion. I was "
        "so happy when it was over."
    ),
}
"""By their names in the link."""


def about_films(classes: tuple[str, str]) -> bool:
    """Tell whether classes are those of film reviews; these are no examples of others."""
    return classes == ("negative", "positive")
