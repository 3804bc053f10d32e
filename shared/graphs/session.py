"""An ONNX Runtime session from a model's bytes, or a sentence that says why there is none."""

import re
from typing import Any

import onnxruntime as ort
import structlog

log = structlog.get_logger()

_FATAL_ONLY = 4
# Without this, ONNX Runtime looks for tensors in other files where the process happens to run.
_NO_FOLDER = "/nonexistent/"
_EXPLANATIONS = [
    (
        r"[Ee]xternal data",
        "some of its tensors lie in other files (external data): save it as one file",
    ),
    (r"No Op registered for (\S+)", "it uses the operator {0}, which ONNX Runtime does not know"),
    (
        r"([\w.]+:\w+)\(-?\d+\) is not a registered function/op",
        "it uses the operator {0}, which ONNX Runtime does not know",
    ),
    (r"No opset import for domain '([^']*)'", "it uses the domain {0} without importing its opset"),
    (r"Could not find an implementation for (\w+)", "no processor code runs its operator {0}"),
    (
        r"Opset (\d+) is under development",
        f"its opset {{0}} is newer than ONNX Runtime {ort.__version__} supports",
    ),
    (
        r"Unsupported model IR version: (\d+)",
        f"its IR version {{0}} is newer than ONNX Runtime {ort.__version__} supports",
    ),
    (
        r"Failed to construct locale with name:([\w.-]+)",
        "this machine has no locale {0}: export its text steps with the locale C.UTF-8",
    ),
    (r"Missing opset", "it does not say which opset it is written in"),
    (r"protobuf parsing failed|No graph was found", "it is not an ONNX file, or not a whole one"),
]
# What the rewriting into look-ups looks for. Up to about 4,000 terms, which take so many bytes, the
# row is as fast.
_REWRITTEN, _FEWEST_BYTES = b"TfIdfVectorizer", 100_000
_PREFIX = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ")
_LONGEST_CAUSE = 300


class GraphRefused(Exception):  # noqa: N818 - says what was done with the graph
    """The graph cannot be used; the message is for the operator.

    `pointer` says what is at fault: the model, or a place in the manifest.
    """

    def __init__(self, detail: str, pointer: str = "/model") -> None:
        super().__init__(detail)
        self.pointer = pointer


def open_session(model: bytes, threads: int) -> Any:
    """Load a model into ONNX Runtime, on processors alone.

    Raises `GraphRefused`: ONNX Runtime cannot load it.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Its arena would keep what the largest batch took; the allocator of the system is as fast.
    options.enable_cpu_mem_arena = False
    options.log_severity_level = _FATAL_ONLY
    # Idle threads that spin would take the processor from an event loop.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry(
        "session.model_external_initializers_file_folder_path", _NO_FOLDER
    )
    may_gain = len(model) >= _FEWEST_BYTES and _REWRITTEN in model
    rewritten = _with_lookups(model, options) if may_gain else None
    if rewritten is not None:
        return rewritten
    try:
        return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise GraphRefused(f"ONNX Runtime cannot load it: {_explained(error)}") from error


def _with_lookups(model: bytes, options: ort.SessionOptions) -> Any | None:
    """Load a model with look-ups; None where that fails."""
    # Only here: what reads a model's file takes memory that most models do not need.
    from shared.graphs.lookups.rewriting import with_lookups  # noqa: PLC0415

    try:
        rewritten = with_lookups(model)
        if rewritten is model:
            return None
        return ort.InferenceSession(rewritten, options, providers=["CPUExecutionProvider"])
    except Exception:
        # ONNX Runtime names the fault of a bad model.
        log.warning("loaded_without_lookups", exc_info=True)
        return None


def _explained(error: Exception) -> str:
    for pattern, sentence in _EXPLANATIONS:
        if found := re.search(pattern, str(error)):
            return sentence.format(*found.groups())
    return runtime_message(error)


def runtime_message(error: Exception) -> str:
    """Return the first line of what ONNX Runtime says, without its codes and its own file names."""
    lines = _PREFIX.sub("", str(error)).strip().splitlines()
    if not lines or "/onnxruntime_src" in lines[0]:
        return type(error).__name__
    return lines[0][:_LONGEST_CAUSE]
