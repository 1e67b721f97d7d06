"""What anybody may know of the panels."""

from __future__ import annotations

from council.gateway.panels import OpenPanel, Panels
from council.gateway.schema import PanelList, PanelView, SeatView
from council.strategies import STRATEGIES


def panel_list(panels: Panels) -> PanelList:
    """Who sits on each panel, and how they may be asked."""
    return PanelList(panels=[_view(panel) for panel in panels.all], strategies=sorted(STRATEGIES))


def _view(panel: OpenPanel) -> PanelView:
    council = panel.council
    seats = [
        SeatView(id=seat.id, model=seat.model, family=seat.family, samples=seat.samples)
        for seat in (expert.info for expert in council.experts)
    ]
    return PanelView(
        name=panel.name,
        description=panel.description,
        strategy=council.strategy.name,
        experts=seats,
        form=council.form is not None,
    )
