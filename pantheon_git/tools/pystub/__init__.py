"""pytest tests of Python modules: what a module defines, what it does when called, and a test that says so."""
