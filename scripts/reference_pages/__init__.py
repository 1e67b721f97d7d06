"""docs/reference/, made from the code: what it says cannot be out of date."""
