"""Each library of the courses is imported and used once."""

from pathlib import Path

import ipywidgets
import matplotlib as mpl
import numpy as np
import pandas as pd
import scipy.optimize
import seaborn as sns
import statsmodels.api as sm
from sklearn.linear_model import LinearRegression

mpl.use("Agg")
PNG = b"\x89PNG\r\n"


def frame() -> pd.DataFrame:
    """Return a line with a little noise: y = 2 x + 1."""
    x = np.linspace(0, 10, 50)
    return pd.DataFrame({"x": x, "y": 2 * x + 1 + 0.01 * np.sin(x)})


def test_numpy_solves() -> None:
    assert np.allclose(np.linalg.solve([[3.0, 1.0], [1.0, 2.0]], [9.0, 8.0]), [2.0, 3.0])


def test_pandas_groups_and_reads_what_it_wrote(tmp_path: Path) -> None:
    table = pd.DataFrame({"k": ["a", "b", "a"], "v": [1, 2, 3]}).groupby("k", as_index=False).sum()
    table.to_csv(tmp_path / "t.csv", index=False)
    assert pd.read_csv(tmp_path / "t.csv").to_dict("list") == {"k": ["a", "b"], "v": [4, 2]}


def test_scipy_minimizes() -> None:
    assert abs(scipy.optimize.minimize_scalar(lambda x: (x - 2) ** 2).x - 2) < 1e-6


def test_scikit_learn_fits() -> None:
    fitted = LinearRegression().fit(frame()[["x"]], frame()["y"])
    assert abs(fitted.coef_[0] - 2) < 0.01


def test_statsmodels_fits() -> None:
    fitted = sm.OLS(frame()["y"], sm.add_constant(frame()[["x"]])).fit()
    assert abs(fitted.params["x"] - 2) < 0.01
    assert fitted.rsquared > 0.99


def test_seaborn_and_matplotlib_draw(tmp_path: Path) -> None:
    axes = sns.scatterplot(frame(), x="x", y="y")
    axes.figure.savefig(tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(PNG)


def test_ipywidgets_hold_a_value() -> None:
    assert ipywidgets.IntSlider(value=7, max=10).value == 7
