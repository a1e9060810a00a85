"""References from one file of a tree to another: found by parsers, resolved as sites do, rewritten in place."""
