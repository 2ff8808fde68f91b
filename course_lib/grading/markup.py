"""Markdown of students as HTML that can do nothing but be read: no script, no request, no foreign style.

The order matters: Markdown is turned into HTML first, by Jupyter's own rules, and the HTML is cleaned last,
so that whatever trick the Markdown played, only what the list below allows is left. Formulas become MathML,
which browsers draw without a script and without a network.
"""

import html
import re
import xml.etree.ElementTree as ElementTree
from functools import lru_cache

import latex2mathml.converter
import nh3
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

LONGEST = 20_000
"""Characters of Markdown that are rendered; what is longer is shown as plain text, and cut."""
LONGEST_FORMULA = 2_000
"""Characters of a formula; a longer one is shown as its source."""
PICTURES = re.compile(r"data:image/(png|jpeg|gif|webp);base64,", re.ASCII)
"""Pictures that come with the text. SVG is left out, and whatever would have to be fetched."""
LINKS = re.compile(r"(https?://|mailto:)", re.ASCII | re.IGNORECASE)

MATH_TAGS = set(  # MathML Core, and what latex2mathml makes besides
    re.findall(
        r"\w+",
        """math menclose merror mfenced mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot
        mrow ms mspace msqrt mstyle msub msubsup msup mtable mtd mtext mtr munder munderover none""",
    )
)
MATH_ATTRIBUTES = set(
    re.findall(
        r"\w+",
        """accent columnalign columnlines columnspacing depth display displaystyle fence form height largeop
        linethickness lspace mathcolor mathsize mathvariant maxsize minsize movablelimits notation rowlines
        rowspacing rspace scriptlevel separator stretchy voffset width xmlns""",
    )
)
TEXT_TAGS = set(
    re.findall(
        r"\w+",
        """a b blockquote br code dd del details div dl dt em h1 h2 h3 h4 h5 h6 hr i img kbd li ol p pre s
        span strong sub summary sup table tbody td th thead tr u ul""",
    )
)
WRITTEN_OTHERWISE = (  # what MathJax knows, as the converter knows it
    # Without braces it leaves the form to `mathvariant`, which browsers no longer draw.
    (re.compile(r"(\\math[a-z]+)\s+([A-Za-z])"), r"\1{\2}"),
    (re.compile(r"\\arg(?![A-Za-z])"), r"\\operatorname{arg}"),
    # A name of a function keeps its distance from what it is applied to, where no bracket does.
    (re.compile(r"\\(log|ln|exp|cos|sin)(?=\s+[A-Za-z]|\s*\\(?!left|[bB]ig))"), r"\\operatorname{\1}"),
    (re.compile(r"\\\\\[[\d.]+(?:pt|em|ex)\]"), r"\\\\"),  # the distance of two lines
    (re.compile(r"\{aligned\}"), "{align*}"),
    (re.compile(r"(\\[bB]igg?[lr]?)\\\|"), r"\1‖"),
    (re.compile(r"\\emph\{"), r"\\textit{"),
    # Words set apart among words: \text{a \textbf{b} c}
    (
        re.compile(r"\\text\{([^{}]*)(\\text(?:bf|it)\{[^{}]*\})([^{}]*)\}"),
        r"\\text{\1}\2\\text{\3}",
    ),
)
_NAMESPACE = ' xmlns="http://www.w3.org/1998/Math/MathML"'
_ANSI = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[@-Z\\-_])")
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def plain(text: str) -> str:
    """Text without colour codes, control characters and marks that turn the direction of reading."""
    return _UNSEEN.sub("", _ANSI.sub("", text.replace("\r\n", "\n")))


@lru_cache(maxsize=256)  # the questions of an assignment are the same on every page
def render(markdown: str) -> str:
    """HTML of a Markdown text that is safe to put into a page, whoever wrote it.

    Links to the web stay, as do tables, code with colours, formulas and `data:` pictures.
    """
    markdown = plain(markdown)
    if len(markdown) > LONGEST:
        return f"<pre>{html.escape(markdown[:LONGEST])}\n[cut here]</pre>"
    try:
        dirty = MarkdownWithMath(renderer=_Renderer(escape=False, exclude_anchor_links=True)).render(markdown)
    except RecursionError:  # brackets in brackets in brackets
        return f"<pre>{html.escape(markdown)}</pre>"
    return _CLEANER.clean(dirty).replace("<img>", "")  # what is left of a picture that was not allowed


def render_as_cell(markdown: str) -> str:
    """The same as the source of a Markdown cell, which every renderer of Markdown hands on as it stands.

    One line, so that it is one block of HTML; what could begin a formula or end the block is spelled as
    a character reference.
    """
    text = "".join(_REFERENCES.get(letter, letter) for letter in render(markdown))
    return f"<div>{text}</div>"


def formula(latex: str, display: str = "inline") -> str:
    """MathML of a formula, or its source where it is no LaTeX that we can read."""
    try:
        if len(latex) > LONGEST_FORMULA:
            raise ValueError("too long")
        for pattern, otherwise in WRITTEN_OTHERWISE:
            latex = pattern.sub(otherwise, latex)
        mathml = latex2mathml.converter.convert(latex, display=display).replace(_NAMESPACE, "")
        # The converter does not escape \text{<b>}: what is no tree of known elements is not taken.
        tree = ElementTree.fromstring(mathml)
        if any(element.tag not in MATH_TAGS for element in tree.iter()):
            raise ValueError("no formula")
    except Exception:  # of the many ways to be wrong, each is shown to the reader as what was written
        return f"<code>{html.escape(latex.strip())}</code>"
    for element in tree.iter():
        if element.text and element.tag == "mtext":
            element.text = re.sub(r"\\([_%$#&{}])", r"\1", element.text)
        if element.tag == "msup" and element[1].text == "′":  # the letter is a small one, and raised, already
            element.tag = "mrow"
    return ElementTree.tostring(tree, encoding="unicode")


class _Renderer(IPythonRenderer):
    """Jupyter's rendering, but with formulas drawn, and nothing left for a script to draw later."""

    def block_math(self, body: str) -> str:
        return formula(body, "block")

    def inline_math(self, body: str) -> str:
        return formula(body)

    def latex_environment(self, name: str, body: str) -> str:
        return formula(rf"\begin{{{name}}}{body}\end{{{name}}}", "block")

    def block_mermaidjs(self, code: str) -> str:
        return f"<pre>{html.escape(code)}</pre>"

    def image(self, text: str, url: str, title: str | None = None) -> str:
        if PICTURES.match(url):
            return super().image(text, url, title)
        return (
            f"<em>[picture not shown: {html.escape(text)}]</em>"  # also attachments: they are not handed in
        )


def _allow(tag: str, attribute: str, value: str) -> str | None:
    if attribute == "class":  # Pygments' short names, and no name that the page around may know
        return value if value == "highlight" or re.fullmatch(r"[a-z][a-z0-9]?", value) else None
    if attribute == "src":
        return value if PICTURES.match(value) else None
    if attribute == "href":
        return value if LINKS.match(value) else None
    return value


_CLEANER = nh3.Cleaner(
    tags=TEXT_TAGS | MATH_TAGS,
    attributes={
        **{tag: MATH_ATTRIBUTES for tag in MATH_TAGS},
        "a": {"href", "title"},
        "img": {"src", "alt", "title"},
        "ol": {"start"},
        "td": {"align", "colspan", "rowspan"},
        "th": {"align", "colspan", "rowspan"},
        "details": {"open"},
        "div": {"class"},
        "span": {"class"},
    },
    attribute_filter=_allow,
    clean_content_tags={"script", "style", "title", "textarea", "template", "noscript", "iframe", "object"},
    url_schemes={"http", "https", "mailto", "data"},
    url_relative="deny",
    link_rel="noopener noreferrer nofollow",
)
_REFERENCES = {letter: f"&#{ord(letter)};" for letter in "\n$\\`"}
