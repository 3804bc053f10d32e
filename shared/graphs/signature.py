"""Whether a graph's inputs and output are those that its manifest and the project speak of."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from shared.contracts.versions import ModelInput, ModelInterface
from shared.graphs.session import GraphRefused
from shared.graphs.tensors import Fields, input_fault, runtime_fault

PROBABILITIES = "probabilities"
_OUTPUT_TYPES = ("tensor(float)", "tensor(double)")
_MATRIX = 2


def interface_fault(interface: ModelInterface, labels: Sequence[str], fields: Fields) -> str | None:
    """Say why a version is not one for a project's labels and fields; None when it is."""
    if interface.labels != labels:
        return "its labels are not the project's"
    faults = (input_fault(entry, fields) for entry in interface.inputs)
    return next((fault for fault in faults if fault), None)


def check_signature(session: Any, interface: ModelInterface, fields: Fields) -> None:
    """Check a session's inputs and output.

    Raises `GraphRefused`: an input that is fed twice, not at all, or with another type or shape; or
    no output of probabilities for these labels.
    """
    check_inputs(session, interface.inputs, fields)
    _check_output(session, interface)


def check_inputs(session: Any, inputs: Sequence[ModelInput], fields: Fields) -> None:
    """Check a session's inputs; `GraphRefused`: fed twice, not at all, or wrongly."""
    known = {entry.name: entry for entry in session.get_inputs()}
    for i, entry in enumerate(inputs):
        own = known.get(entry.name)
        fault = input_fault(entry, fields) or runtime_fault(
            entry, own.type if own else None, own.shape if own else ()
        )
        if fault:
            raise GraphRefused(fault, f"/manifest/inputs/{i}")
    fed = Counter(entry.name for entry in inputs)
    if unfed := sorted(known.keys() - fed.keys()):
        raise GraphRefused(f"the manifest does not feed {', '.join(unfed)}", "/manifest/inputs")
    if twice := [name for name, count in fed.items() if count > 1]:
        raise GraphRefused(f"the manifest feeds {', '.join(twice)} twice", "/manifest/inputs")


def _check_output(session: Any, interface: ModelInterface) -> None:
    name = interface.outputs.get(PROBABILITIES)
    found = {entry.name: entry for entry in session.get_outputs()}
    if name is None or name not in found:
        names = ", ".join(sorted(found))
        raise GraphRefused(
            f"its manifest must say which output holds the probabilities; the graph has {names}",
            f"/manifest/outputs/{PROBABILITIES}",
        )
    kind, shape = found[name].type, found[name].shape
    if kind.startswith("seq(map("):
        raise GraphRefused(
            f"output {name} is a list of dictionaries, not a tensor: export it without them "
            "(skl2onnx: options={'zipmap': False})"
        )
    if kind not in _OUTPUT_TYPES:
        raise GraphRefused(f"output {name} is {kind}: probabilities are float or double")
    fault = width_fault(shape, len(interface.labels)) if shape else None
    if fault:
        raise GraphRefused(fault)


def width_fault(shape: Sequence[Any], n_labels: int) -> str | None:
    """Say why an answer of this shape has not one probability a label; None when it has.

    An axis that is no number may have any length.
    """
    if len(shape) != _MATRIX or shape[1] == 1:
        return (
            f"its probabilities have shape {tuple(shape)}: they need one row an item and one "
            "column a label (for two labels 1 - p and p)"
        )
    columns = shape[1]
    if isinstance(columns, int) and columns != n_labels:
        return f"its probabilities have {columns} columns, the project has {n_labels} labels"
    return None
