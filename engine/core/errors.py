"""The errors that people see. Each message says what was wrong, with which input, and what to do."""


class VitrineError(Exception):
    """Something went wrong that a person can act on; `str(error)` is one clear sentence or two."""


class BadRequest(VitrineError):
    """The request itself cannot be carried out: unknown model or site, unit out of range, bad value."""


class Unavailable(VitrineError):
    """The request is fine but something it needs is not here: weights, a data set, a package."""


class RefusedFile(VitrineError):
    """A file that is damaged, hostile or not what its name says."""


class Forbidden(VitrineError):
    """The request is fine, and whoever asks may not: their role does not reach so far."""


class Cancelled(VitrineError):
    """The person (or the last person interested) stopped the job."""


class PutBack(Cancelled):
    """The job makes room for another, and is carried out later."""


class OutOfTime(Cancelled):
    """The job took longer than a job may take here."""


# How devices, hosts and libraries say that no memory is left; the last is cuBLAS and cuDNN.
_NO_MEMORY = ("out of memory", "can't allocate memory", "cannot allocate memory", "not enough memory", "alloc_failed")


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that a device (or the host) has no memory left: the one place where that is decided."""
    if (
        isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    ):  # torch's, which is not imported here
        return True
    return not isinstance(error, VitrineError) and any(words in str(error).lower() for words in _NO_MEMORY)
