"""Bring your own: a state dict and its symbols become a model that the pages show; a bad file is a list."""

import io
import json
import re
from collections.abc import Callable
from typing import Any

import torch
from playwright.sync_api import Page, expect
from torch import nn

Visit = Callable[..., Page]
SYMBOLS = [chr(code) for code in (*range(32, 127), 10)]


def tensors() -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    parts = {"encoder": nn.Embedding(len(SYMBOLS), 8), "rnn": nn.GRU(8, 12), "decoder": nn.Linear(12, len(SYMBOLS))}
    return nn.ModuleDict(parts).state_dict()


def give(page: Page, weights: bytes) -> None:
    buffer = {"name": "course.pt", "mimeType": "application/octet-stream", "buffer": weights}
    symbols = {"name": "symbols.json", "mimeType": "application/json", "buffer": json.dumps(SYMBOLS).encode()}
    # One after the other: a file given while the page takes in another can be lost. The page shows a name before it
    # has the file.
    for place, file in enumerate((buffer, symbols)):
        expect(page.locator("[data-test-script-state=notRunning]")).to_be_attached()
        with page.expect_response(lambda response: "upload_file" in response.url):
            page.locator("input[type=file]").nth(place).set_input_files([file])
        expect(page.get_by_text(file["name"], exact=True)).to_be_visible()


def saved(content: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def test_a_state_dict_is_opened_and_every_page_shows_it(visit: Visit) -> None:
    page = visit("/bring")
    give(page, saved(tensors()))
    page.get_by_label("Name", exact=True).fill("course")
    page.get_by_label("Name", exact=True).press("Enter")
    page.get_by_role("button", name="Open it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("course is open: 1 × 12 GRU")
    expect(page).to_have_url(re.compile("brought=course"))
    page.get_by_role("link", name="Inside the cell →").click()
    expect(page).to_have_url(re.compile("/inside.*model=course"))
    expect(page.locator(".drawing svg")).to_be_visible()


def test_what_is_missing_is_listed_and_the_files_stay(visit: Visit) -> None:
    page = visit("/bring")
    part = {name: tensor for name, tensor in tensors().items() if not name.startswith("decoder")}
    give(page, saved(part))
    page.get_by_role("button", name="Open it").click()
    expect(page.get_by_role("alert").filter(has_text="course.pt does not fit")).to_be_visible()
    expect(page.get_by_text("course.pt", exact=True)).to_be_visible()
    expect(page.get_by_text("symbols.json", exact=True)).to_be_visible()
