"""The errors that people see. Each message says what was wrong, with which input, and what to do."""


class VitrineError(Exception):
    """Something went wrong that a person can act on; `str(error)` is one clear sentence or two."""


class BadRequest(VitrineError):
    """The request itself cannot be carried out: unknown model or site, unit out of range, bad value."""


class Unavailable(VitrineError):
    """The request is fine but something it needs is not here: weights, a data set, a package."""


class RefusedFile(VitrineError):
    """A file that is damaged, hostile or not what its name says."""


class Cancelled(VitrineError):
    """The person (or the last person interested) stopped the job."""
