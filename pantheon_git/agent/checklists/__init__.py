"""What a reviewer asks of a change, one checklist for each kind of change; `table.py` chooses."""
