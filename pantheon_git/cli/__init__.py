"""The command line: parse, call, print. The only place that uses click, and the one error boundary."""
