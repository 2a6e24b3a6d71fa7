"""A time limit for what a student has written: a sentence in place of a check that hangs."""

import contextlib
import ctypes
import signal
import threading
import time
from collections.abc import Iterator

SECONDS = 30.0  # for a whole check; the slowest right answer of the tests takes three
AGAIN = 0.5  # seconds until the next try, where a bare `except:` has caught the first


class TimeUp(BaseException):
    """The time is over. No Exception, so that a student's `except Exception` lets it pass."""


def _stop(*_) -> None:
    raise TimeUp


class _Alarm:
    """A timer of the system, whose signal raises TimeUp in the main thread."""

    def __init__(self) -> None:
        self._handler = signal.getsignal(signal.SIGALRM) or signal.SIG_DFL
        self._left, self._every = signal.getitimer(signal.ITIMER_REAL)
        self._since = time.monotonic()

    def start(self, seconds: float) -> None:
        signal.signal(signal.SIGALRM, _stop)
        signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)

    def end(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._handler)
        if self._left:  # somebody else's alarm: let it ring when it was to ring
            left = self._left - (time.monotonic() - self._since)
            signal.setitimer(signal.ITIMER_REAL, max(left, 1e-3), self._every)


class _Watcher:
    """The same where there are no alarms (Windows, another thread): a thread that raises here."""

    def __init__(self) -> None:
        self._watched = ctypes.c_ulong(threading.get_ident())
        self._lock, self._over = threading.Lock(), threading.Event()

    def start(self, seconds: float) -> None:
        with contextlib.suppress(RuntimeError):  # no threads here, so no limit
            threading.Thread(target=self._watch, args=(seconds,), daemon=True).start()

    def _watch(self, wait: float) -> None:
        while not self._over.wait(wait):
            with self._lock:
                if not self._over.is_set():
                    self._throw(ctypes.py_object(TimeUp))
            wait = AGAIN

    def _throw(self, exception: ctypes.py_object | None) -> None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(self._watched, exception)

    def end(self) -> None:
        with self._lock:
            self._over.set()
            self._throw(None)  # one that is on its way must not arrive after the end


@contextlib.contextmanager
def time_limit(seconds: float | None = None) -> Iterator[None]:
    """Raise TimeUp in the body once `seconds` (`SECONDS` if None) have passed.

    Python stops between two of its own instructions. A single long call of C code, such as
    9**9**9 or a product of huge matrices, runs to its end first; nothing in a process can stop it.
    Where there are neither alarms nor threads (Python in a browser) there is no limit.
    """
    in_main = threading.current_thread() is threading.main_thread()
    stopper = _Alarm() if in_main and hasattr(signal, "setitimer") else _Watcher()
    try:
        try:
            stopper.start(SECONDS if seconds is None else seconds)
            yield
        finally:
            stopper.end()
    except TimeUp:
        stopper.end()  # again: the first may have been stopped half-way; the next stop is AGAIN off
        raise
