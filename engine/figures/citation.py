"""How to cite a figure: the paper whose method it is, Vitrine with its version and the figure's link, and LaTeX to include it."""

from __future__ import annotations

from datetime import date

from engine import __version__

PAPER = """@article{ghiasi2022vision,
  title   = {What do Vision Transformers Learn? A Visual Exploration},
  author  = {Ghiasi, Amin and Kazemi, Hamid and Borgnia, Eitan and Reich, Steven and Shu, Manli and
             Goldblum, Micah and Wilson, Andrew Gordon and Goldstein, Tom},
  journal = {arXiv preprint arXiv:2212.06727},
  year    = {2022}
}"""
_SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "×": r"$\times$", "–": "--", "“": "``", "”": "''", "²": r"$^2$",
}  # fmt: skip


def bibtex(link: str, on: date) -> str:
    """The paper's entry, and Vitrine's with the figure's link."""
    url = f"\n  url     = {{{_bare(link)}}}," if link else ""
    ours = f"""@software{{vitrine,
  title   = {{Vitrine: what vision models learn}},
  version = {{{__version__}}},{url}
  year    = {{{on.year}}},
  note    = {{Figure made on {on.isoformat()}}}
}}"""
    return f"{PAPER}\n\n{ours}\n"


def latex(file: str, caption: str, wide: bool) -> str:
    """A figure environment that includes `file` (without its folder): over both columns where it is `wide`."""
    name, width = ("figure*", r"\textwidth") if wide else ("figure", r"\columnwidth")
    return (
        f"\\begin{{{name}}}\n  \\centering\n  \\includegraphics[width={width}]{{{file}}}\n"
        f"  \\caption{{{in_latex(caption)} Made with Vitrine~\\cite{{vitrine}} by the method of~\\cite{{ghiasi2022vision}}.}}\n"
        f"  \\label{{fig:vitrine}}\n\\end{{{name}}}\n"
    )


def in_latex(text: str) -> str:
    """Plain text with LaTeX's special characters spelt out, on one line."""
    return " ".join("".join(_SPECIAL.get(each, each) for each in text).split())


def _bare(link: str) -> str:
    """A link without what would end the field."""
    return "".join(each for each in link if each.isprintable() and each not in "{}\\ ")
