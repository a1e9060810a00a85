"""Reading, searching and editing code by anchors, and running the tests. Standard library only."""
