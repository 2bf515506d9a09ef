"""What the server answers beside its pages: one module a group of routes, all of them listed in `served`; and what every
answer passes through on its way.

What belongs here reads a request and answers it; it draws nothing, and what it tells it asks the engine for."""
