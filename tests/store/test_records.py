"""What is kept of a panel and its form, and what counts as a change of it."""

from __future__ import annotations

import json

import pytest

from council.agents.scripted import ScriptedAgent
from council.expert import Expert
from council.store.panel_record import PANEL, FormRecord, PanelRecord
from council.structured import to_form

SCHEMA = {"type": "object", "properties": {"x": {"type": "integer"}}}
FORM = FormRecord.of(to_form(SCHEMA), given=True)


def panel(form: FormRecord | None, *, takes_schema: bool = False) -> PanelRecord:
    return PanelRecord.of(
        [Expert("ada", ScriptedAgent("ada", "yes"), takes_schema=takes_schema)], [], form
    )


@pytest.mark.parametrize(
    ("now", "changes"),
    [
        (FORM, []),
        (FormRecord(FORM.name, FORM.schema, given=False), []),
        (FormRecord("another", FORM.schema), ["answer_schema"]),
        # The same schema in another order is another prompt.
        (FormRecord(FORM.name, json.dumps(SCHEMA, sort_keys=True)), ["answer_schema"]),
        (None, ["answer_schema"]),
    ],
)
def test_another_form_is_a_change(now: FormRecord | None, changes: list[str]) -> None:
    assert panel(FORM).changes(panel(now)) == changes
    assert panel(now).changes(panel(FORM)) == changes


@pytest.mark.parametrize(("form", "changes"), [(FORM, ["ada.takes_schema"]), (None, [])])
def test_who_takes_a_schema_matters_where_there_is_one(
    form: FormRecord | None, changes: list[str]
) -> None:
    assert panel(form).changes(panel(form, takes_schema=True)) == changes


def test_a_panel_comes_back_as_it_was() -> None:
    kept = panel(FORM, takes_schema=True)
    assert PANEL.validate_json(json.dumps(kept.to_dict(), sort_keys=True)) == kept
    assert json.loads(FORM.schema) == SCHEMA


def test_a_record_from_before_forms_were_kept() -> None:
    older = panel(None, takes_schema=True).to_dict()
    del older["form"], older["experts"][0]["takes_schema"]
    read = PANEL.validate_json(json.dumps(older))
    assert read.form is None
    assert read.changes(panel(None, takes_schema=True)) == []
