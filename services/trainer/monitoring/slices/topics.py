"""Topics of texts: clusters by their words, named by the words that tell them apart (pure)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

MOST_TOPICS = 12
_ITEMS_A_TOPIC = 150
_WORDS = 3
_DIMENSIONS = 50
_TERMS = 5_000
# Of a long text the beginning tells the topic.
_CHARACTERS = 2_000


def topics_of(texts: Sequence[str], *, seed: int = 0) -> tuple[list[str], NDArray[np.int64]]:
    """Put texts into at most 12 topics; the same texts give the same topics.

    Returns
    -------
    The names of the topics, three words each, and the topic of each text, shape (n,). No topics,
    and -1 for each text, where there are fewer than 300 texts or too few words.
    """
    none: tuple[list[str], NDArray[np.int64]] = ([], np.full(len(texts), -1, dtype=np.int64))
    count = min(MOST_TOPICS, len(texts) // _ITEMS_A_TOPIC, len(set(texts)) // 10)
    if count < 2:
        return none
    return _clusters([text[:_CHARACTERS] for text in texts], count, seed) or none


def _clusters(
    texts: Sequence[str], count: int, seed: int
) -> tuple[list[str], NDArray[np.int64]] | None:
    # Importing scikit-learn takes a second, and few projects have so many texts.
    from sklearn.cluster import MiniBatchKMeans
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.preprocessing import normalize

    vectorizer = TfidfVectorizer(
        max_features=_TERMS,
        stop_words="english",
        min_df=5,
        max_df=0.5,
        token_pattern=r"\b[^\W\d_]{3,}\b",  # noqa: S106 - words of letters
        sublinear_tf=True,
    )
    try:
        weights = vectorizer.fit_transform(texts)
    except ValueError:  # no word is left
        return None
    if weights.shape[1] <= count:
        return None
    size = min(_DIMENSIONS, weights.shape[1] - 1)
    points = normalize(TruncatedSVD(size, random_state=seed).fit_transform(weights))
    found = MiniBatchKMeans(count, random_state=seed, n_init=3, batch_size=1024).fit_predict(points)
    words, names = vectorizer.get_feature_names_out(), []
    overall = np.asarray(weights.mean(axis=0)).ravel()
    for topic in range(count):
        members = weights[found == topic]
        own = np.asarray(members.mean(axis=0)).ravel() if members.shape[0] else overall
        best = np.argsort(-(own - overall), kind="stable")[:_WORDS]
        names.append(", ".join(words[best]))
    return names, np.asarray(found, dtype=np.int64)
