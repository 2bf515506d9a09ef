"""The tests: one folder a layer (cache, engine, pages, browser). A package, so that helpers can be imported by name."""
