"""The client of a gateway (`council serve`): a panel on another machine, used as one on this."""
