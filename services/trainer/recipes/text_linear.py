"""Recipe `text-linear`: weights of words and of parts of words, logistic regression, calibration.

Fast to train and to serve. See Joachims (ECML 1998) for linear models on term weights, Wang and
Manning (ACL 2012) for word pairs, and Cavnar and Trenkle (SDAIR 1994) for characters, which know
a word in its other forms and spellings too.
"""

from threadpoolctl import threadpool_limits

from services.trainer.recipes.calibration import Calibration
from services.trainer.recipes.crossfit import content_keys, folds_for
from services.trainer.recipes.features import LinearHead, TextLinearPipeline, fit_terms
from services.trainer.recipes.graph import export_onnx
from services.trainer.recipes.recipe import (
    FittedModel,
    Progress,
    Recipe,
    RecipeOfTypes,
    RecipeRefused,
    TrainingData,
    silent,
)
from services.trainer.recipes.tuning import fit_tuned
from shared.fields.text import TextField

_PARITY_ROWS = 2_000


def fit_text_linear(
    data: TrainingData, *, seed: int = 0, progress: Progress = silent
) -> FittedModel:
    """Fit, calibrate on out-of-fold predictions, export to ONNX and check the export.

    Deterministic: the same data and seed give the same bytes on the same library versions.
    Made for 200 to 50,000 rows. `seed` decides the folds, one of which rows of the same content
    share; the weights of `data` weigh fit and metrics.

    Raises
    ------
    RecipeRefused
        Fewer than two labels with two different items each, fewer than 10 different items,
        texts without any term, or a graph that does not answer as the pipeline does.
    """
    keys = content_keys(data.rows, data.fields)
    fold_of = folds_for(data, keys, seed=seed)
    # More threads would only spin on matrices this small, and would change the last digits.
    with threadpool_limits(limits=1):
        terms, counts = fit_terms(data.rows, data.fields)
        if not any(matrix.nnz for matrix in counts):
            raise RecipeRefused(
                "training needs texts with words or letters that repeat; there are none"
            )
        progress(0.1, "words counted")

        def export(head: LinearHead, calibration: Calibration) -> tuple[TextLinearPipeline, bytes]:
            pipeline = TextLinearPipeline(data.fields, terms, head, calibration)
            return pipeline, export_onnx(pipeline)

        return fit_tuned(data, keys, fold_of, counts, export, progress, parity_rows=_PARITY_ROWS)


RECIPE: Recipe = RecipeOfTypes("text-linear", (TextField,), fit_text_linear)
