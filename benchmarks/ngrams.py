"""The 20-gram model on War and Peace, against the figures of Karpathy, Johnson & Li (2015), table 3.

    python benchmarks/ngrams.py [--order 20]

Bytes, line ends as they are. Their figures come out when the book is split as char-rnn splits it: first into 100
streams, as many as were read side by side, and each stream into 80, 10 and 10 %, in whole pieces of 100. Their test
part is thus a hundred passages from all over the book. Its last tenth is harder, and both are printed.
"""

from __future__ import annotations

import argparse
import resource
import time

from rnncore.analysis import ngrams
from rnncore.training import corpora

PUBLISHED = {2: 2.399, 3: 1.928, 4: 1.521, 5: 1.314, 6: 1.232, 7: 1.203, 8: 1.194, 9: 1.194, 10: 1.194, 20: 1.195}
"""Nats a byte of the test part, by order; the paper counts the length of the context, one less."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--order", type=int, default=20, help="the highest")
    options = parser.parse_args()
    book = corpora.load("warpeace").text.encode().decode("latin-1")
    orders = [order for order in PUBLISHED if order < options.order] + [options.order]
    print("order       " + "".join(f"{order:8}" for order in orders))
    print("published   " + "".join(f"{PUBLISHED.get(order, float('nan')):8.3f}" for order in orders))
    for name, (train, test) in {"100 streams": streams(book), "last tenth": in_order(book)}.items():
        begun = time.perf_counter()
        found = ngrams(train, orders, symbols=book).by_order(test)
        seconds = time.perf_counter() - begun
        print(f"{name:12}" + "".join(f"{-found[order].mean():8.4f}" for order in orders) + f"   {seconds:.0f} s")
    begun = time.process_time()
    model = ngrams(in_order(book)[0], options.order)
    parts = [part for level in model.levels for part in (level.lower, level.top) if part]
    held = sum(level.keys.nbytes for level in model.levels) + sum(p.seen.nbytes + p.backoff.nbytes for p in parts)
    print(f"{options.order}-gram alone: {time.process_time() - begun:.1f} s of one processor, {held / 2**30:.2f} GiB")
    print(f"at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB in use")


def streams(book: str, batch: int = 100, length: int = 100) -> tuple[str, str]:
    """Return train and test as char-rnn cuts them."""
    pieces = len(book) // (batch * length)
    rows = [book[k * pieces * length : (k + 1) * pieces * length] for k in range(batch)]
    train, validation = pieces * 8 // 10, pieces // 10
    first, last = train * length, (train + validation) * length
    return "".join(row[:first] for row in rows), "".join(row[last:] for row in rows)


def in_order(book: str) -> tuple[str, str]:
    return book[: len(book) * 8 // 10], book[len(book) * 9 // 10 :]


if __name__ == "__main__":
    main()
