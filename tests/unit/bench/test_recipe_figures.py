"""Figures are kept as lines, and drawn: a dot a recipe, a ring around what auto chose."""

from pathlib import Path

from bench.recipe_figures import Figures, drawn, keep, read


def figures(recipe: str, right: list[float], labels: int = 500) -> Figures:
    chosen = ["head" if recipe == "auto" else recipe] * len(right)
    return Figures("a < b", labels, recipe, right, chosen, [{"0.9": (0.5, 0.1)}] * len(right))


def test_what_is_kept_is_drawn(tmp_path: Path) -> None:
    file = tmp_path / "figures.jsonl"
    rows = [figures("tabular", [0.2, 0.4]), figures("head", [0.5]), figures("auto", [0.5])]
    keep(file, rows)
    keep(file, [figures("of a package", [0.9], labels=1_000)])
    assert [(one.recipe, one.right) for one in read(file)] == [
        ("tabular", [0.2, 0.4]),
        ("head", [0.5]),
        ("auto", [0.5]),
        ("of a package", [0.9]),
    ]
    picture = drawn(file)
    assert picture.count("a &lt; b, 500 labels") == 1
    assert picture.count("a &lt; b, 1,000 labels") == 1
    # 180 + 470 · 0.3, 0.5 and 0.9.
    assert [picture.count(f'cx="{x}"') for x in ("321.0", "415.0", "603.0")] == [1, 2, 1]
