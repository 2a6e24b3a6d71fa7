"""Two ways to make a training step: as it is written, or recorded once and replayed.

A step of a small network is some forty short kernels. On a GPU, launching them from Python takes
several times as long as running them; a CUDA graph launches all of them at once. Nothing else
changes: the recorded kernels read the same weights and draw from the same generator.
Shapes: B rows of a batch, T terms of the loss.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Protocol

import torch
from torch import Tensor, nn

WARM_UP = 3  # steps before a recording, as PyTorch's notes on CUDA graphs ask
TOLERANCE = 1e-4  # of a replayed step's terms against the step itself, relative


class Job(Protocol):
    """What a way of stepping works on; `Trainer` is one."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    noise: torch.Generator
    device: torch.device
    batch_size: int
    n_examples: int

    def step(self, index: Tensor) -> Tensor:
        """One whole step on these rows (B,); returns the terms before it, (T,), detached."""


class Recording(Protocol):
    """A recorded sequence of kernels. `CudaGraph` is one; a test brings another."""

    def aside(self, work: Callable[[], Tensor]) -> Tensor:
        """Run `work` once, where a later recording may follow."""

    def record(self, work: Callable[[], None]) -> None:
        """Note the kernels of `work` without running them."""

    def replay(self) -> None:
        """Run the kernels again, on the same memory."""


class CudaGraph:
    """PyTorch's CUDA graph, with the generator whose noise it draws.

    Source: "CUDA semantics", section "Whole-network capture", in PyTorch's documentation.
    """

    def __init__(self, generator: torch.Generator):
        self.graph = torch.cuda.CUDAGraph()
        self.graph.register_generator_state(generator)

    def aside(self, work: Callable[[], Tensor]) -> Tensor:
        """Run `work` on a stream of its own, and let the usual one wait for it."""
        usual, side = torch.cuda.current_stream(), torch.cuda.Stream()
        side.wait_stream(usual)
        with torch.cuda.stream(side):
            values = work()
        usual.wait_stream(side)
        return values

    def record(self, work: Callable[[], None]) -> None:
        """Capture `work`; the current stream is the same afterwards even if that fails."""
        usual = torch.cuda.current_stream()
        try:
            with torch.cuda.graph(self.graph):
                work()
        finally:
            torch.cuda.set_stream(usual)  # a capture that fails leaves its own stream in place

    def replay(self) -> None:
        """Launch the captured kernels on the current stream."""
        self.graph.replay()


RECORDINGS: dict[str, Callable[[torch.Generator], Recording]] = {"cuda": CudaGraph}


class EagerSteps:
    """Every step is run as it is written."""

    def __init__(self, job: Job, reason: str):
        self.job = job
        self.how = f"step by step ({reason})"

    def __call__(self, index: Tensor) -> Tensor:
        """One step on these rows; returns its terms (T,)."""
        return self.job.step(index)


class GraphSteps:
    """Whole batches by replaying one recorded step; the warm-up and a smaller batch as written.

    The warm-up's steps are the first steps of the training. Before the recording is used it is
    tried: two steps by replay and the same two as written must agree in their terms and in the
    noise that they take. If it cannot be made or does not agree, weights, optimizer and noise are
    put back and all steps are run as written.
    """

    def __init__(self, job: Job, make_recording: Callable[[torch.Generator], Recording]):
        self.job, self.make_recording = job, make_recording
        self.recording: Recording | None = None
        self.warmed_up = 0
        self.ready: bool | None = None  # None until it is known whether the recording serves
        self.how = "step by step (too few steps to record one)"

    def __call__(self, index: Tensor) -> Tensor:
        """One step on these rows; returns its terms (T,), in memory that the next call reuses."""
        whole = len(index) == self.job.batch_size
        with capturable(self.job.optimizer, self.job.device):
            if whole and self.ready is None:
                if self.warmed_up < WARM_UP:
                    return self._warm_up(index)
                self._prepare(index)
            return self._replay(index) if whole and self.ready else self.job.step(index)

    def _warm_up(self, index: Tensor) -> Tensor:
        if self.recording is None:
            self.recording = self.make_recording(self.job.noise)
        self.warmed_up += 1
        return self.recording.aside(lambda: self.job.step(index))

    def _replay(self, index: Tensor) -> Tensor:
        self.index.copy_(index)
        self._made().replay()
        return self.values

    def _prepare(self, index: Tensor) -> None:
        """Record a step and try it, leaving everything as it was but `ready` and `how`."""
        kept = _Kept(self.job)
        try:
            self._record(index)
            why = self._difference(kept, index)
        except Exception as error:  # whatever the model's own code may do under a capture
            first: BaseException = error
            while first.__context__ is not None:  # ending a broken capture is an error of its own
                first = first.__context__
            why = f"recording failed: {(str(first) or repr(first)).splitlines()[0]}"
        finally:
            kept.put_back()
        self.ready = why is None
        self.how = "one recorded step, replayed" if self.ready else f"step by step ({why})"
        if not self.ready:
            self.recording = None
            kept.renew_noise()

    def _record(self, index: Tensor) -> None:
        self.index = index.clone()
        self.job.optimizer.zero_grad(set_to_none=True)  # gradients then lie in the graph's memory

        def work() -> None:
            self.values = self.job.step(self.index)

        self._made().record(work)

    def _made(self) -> Recording:
        if self.recording is None:
            raise RuntimeError("a step is recorded or replayed before the steps that warm up")
        return self.recording

    def _difference(self, kept: "_Kept", index: Tensor) -> str | None:
        """How two replayed steps differ from the same two as written; None if they agree."""
        batches = (index, (index + 1) % self.job.n_examples)
        kept.put_back()
        written = torch.stack([self.job.step(batch) for batch in batches])
        noise = self.job.noise.get_state()
        kept.put_back()
        replayed = torch.stack([self._replay(batch).clone() for batch in batches])
        if not torch.equal(noise, self.job.noise.get_state()):
            return "a replayed step takes other noise"
        if not torch.allclose(replayed, written, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True):
            return "a replayed step gives other terms"
        return None


class _Kept:
    """Copies of all that a step changes: weights, buffers, the optimizer's state, noise."""

    def __init__(self, job: Job):
        self.job = job
        live = [*job.model.parameters(), *job.model.buffers()]
        live += [value for slots in job.optimizer.state.values() for value in slots.values()]
        self.copies = [(t, t.detach().clone()) for t in live if isinstance(t, Tensor)]
        self.noise, self.usual_noise = job.noise.get_state(), _usual_noise(job.device)

    @torch.no_grad()
    def put_back(self) -> None:
        """Write the copies into the very tensors they were taken of, which a recording holds."""
        for tensor, copy in self.copies:
            tensor.copy_(copy)
        self.job.noise.set_state(self.noise)
        _usual_noise(self.job.device, self.usual_noise)

    def renew_noise(self) -> None:
        """A new generator in the old one's state: a failed recording may keep the old one."""
        self.job.noise = torch.Generator(self.job.device)
        self.job.noise.set_state(self.noise)


def _usual_noise(device: torch.device, state: Tensor | None = None) -> Tensor | None:
    """The state of the device's own generator, such as dropout draws from; set if given."""
    on_cpu = device.type == "cpu"
    of = torch if on_cpu else torch.get_device_module(device)
    where = () if on_cpu else (device,)
    if state is None:
        return of.get_rng_state(*where)
    of.set_rng_state(state, *where)
    return None


@contextlib.contextmanager
def capturable(optimizer: torch.optim.Optimizer, device: torch.device) -> Iterator[None]:
    """Let the optimizer count its steps on the device meanwhile; the flags are put back."""
    flags = [group.get("capturable") for group in optimizer.param_groups]
    for slots in optimizer.state.values():
        if isinstance(slots.get("step"), Tensor):
            slots["step"] = slots["step"].to(device)
    try:
        for group in optimizer.param_groups:
            if "capturable" in group:
                group["capturable"] = True
        yield
    finally:
        for group, flag in zip(optimizer.param_groups, flags, strict=True):
            if flag is not None:
                group["capturable"] = flag


def _obstacle(optimizer: torch.optim.Optimizer) -> str | None:
    """Why a step of this optimizer must not be recorded: it may do something else every time."""
    name = type(optimizer).__name__
    alike = isinstance(optimizer, torch.optim.SGD) or getattr(optimizer, "steps_alike", False)
    if not alike and not all("capturable" in group for group in optimizer.param_groups):
        return f"{name} computes with numbers that a recording would freeze"
    hooks = [*optimizer._optimizer_step_pre_hooks.values()]
    hooks += optimizer._optimizer_step_post_hooks.values()
    if not all(getattr(hook, "steps_alike", False) for hook in hooks):
        return f"{name} has a hook that may do something else at every step"
    return None


def make_steps(job: Job, *, replay: bool = True) -> EagerSteps | GraphSteps:
    """The fast way where the device, the optimizer and the caller allow it, else the plain one."""
    make_recording = RECORDINGS.get(job.device.type)
    if make_recording is None:
        return EagerSteps(job, f"no graphs on {job.device.type}")
    obstacle = _obstacle(job.optimizer) if replay else "as asked"
    return GraphSteps(job, make_recording) if obstacle is None else EagerSteps(job, obstacle)
