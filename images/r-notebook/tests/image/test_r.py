"""R's kernel, with the tidyverse."""

import subprocess

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient

CODE = """\
suppressPackageStartupMessages(library(tidyverse))
cars <- as_tibble(mtcars) |> group_by(cyl) |> summarise(n = n())
fit <- lm(mpg ~ wt, data = mtcars)
cat(cars$n, round(coef(fit)[["wt"]], 3))
"""
PLOT = "print(ggplot(mtcars, aes(wt, mpg)) + geom_point())"


def test_r_is_a_kernel_for_everybody() -> None:
    assert KernelSpecManager().get_kernel_spec("ir").display_name == "R"


def test_the_kernel_runs_the_tidyverse_and_draws() -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CODE), nbformat.v4.new_code_cell(PLOT)])
    NotebookClient(notebook, kernel_name="ir", timeout=120).execute()
    text, picture = notebook.cells[0].outputs, notebook.cells[1].outputs
    assert text[0].text == "11 7 14 -5.344"
    assert any("image/png" in output.get("data", {}) for output in picture)


def test_r_fails_loudly() -> None:
    assert subprocess.run(["Rscript", "-e", "library(nosuchpackage)"], capture_output=True, check=False).returncode == 1
