"""Problems of the Open Inference Protocol."""

from shared.problems import Problem


class MalformedInference(Problem):
    """A call of infer that does not say what is to be inferred."""

    kind, title, status = "malformed-inference", "Malformed inference request", 400

    def __init__(self, pointer: str, fault: str) -> None:
        super().__init__(
            "Send an Open Inference Protocol request.",
            errors=[{"pointer": pointer, "detail": fault}],
        )
