"""AVA tests of ES modules: what a module exports, what it does when called, and a test that says so."""
