import time

import pytest
from nbconvert.filters.markdown_mistune import markdown2html_mistune

from course_lib.grading.markup import LONGEST, PICTURES, formula, plain, render, render_as_cell

PICTURE = "data:image/png;base64,iVBORw0KGgo="
HONEST = rf"""# A heading
If $a<b$ then `a<b` and 3 < 4, **bold**, <b>bold</b>, H<sub>2</sub>O.

$$p(x) \propto \mathcal N(x;\,\mu,\sigma^2)\quad\text{{for }} x \le 1$$

| $\mu$ | sigma |
| --- | --- |
| 1 | 2 |

```python
def f(x):

    return "$b$" < x  # <b>
```

<details><summary>More</summary>

It costs \$5. ![me]({PICTURE}) [paper](https://arxiv.org/abs/1610.01283)
</details>
"""

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><script>alert(1)</script></svg>",
    "<svg><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>",
    "[x](javascript:alert(1)) [x](JaVaScRiPt:alert(1)) [x](java&#10;script:alert(1))",
    "<a href=javascript:alert(1)>x</a> <a href=' &#1;javascript:alert(1)'>x</a>",
    "[x](data:text/html,<script>alert(1)</script>) <a href='da&#10;ta:text/html,x'>x</a> [x](vbscript:x)",
    "![x](https://evil.example/x.png) <img srcset='https://evil.example/x.png 2x'> ![x](//evil.example/x)",
    "![x](data:image/svg+xml;base64,PHN2Zz48L3N2Zz4=)",
    "<style>@import 'https://evil.example/x.css'; * {display: none}</style>",
    "<link rel=stylesheet href=//evil.example>",
    "<base href='https://evil.example/'><meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<form action=https://evil.example><input name=a autofocus onfocus=alert(1)><button>go</button></form>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe><object data=x></object><embed src=x>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--><img src=x onerror=alert(1)>'></math>",
    "<math href='javascript:alert(1)'><mi xlink:href='javascript:alert(1)' onclick=alert(1)>x</mi></math>",
    "<math><annotation-xml encoding='text/html'><img src=x onerror=alert(1)></annotation-xml></math>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<textarea></textarea><img src=x onerror=alert(1)></textarea>",
    r"$\text{<script>alert(1)</script>}$ $$\text{<img src=x onerror=alert(1)>}$$",
    r"$\href{javascript:alert(1)}{x}$ $\style{background:url(https://evil.example)}{x}$ $\class{score}{x}$",
    r"$\begin{array}{c}<img src=x onerror=alert(1)>\end{array}$ \begin{x}<script>alert(1)</script>\end{x}",
    "`<img src=x onerror=alert(1)>` $<img src=x onerror=alert(1)>$ \\\\[<script>alert(1)</script>\\\\]",
    "```html\n<script>alert(1)</script>\n```\n```<script>alert(1)</script>\nx\n```",
    "```mermaid\nclick a call alert(1)\n```",
    "<details open ontoggle=alert(1)>x</details><div class='score btn' id=q1 style='position:fixed'>x</div>",
    "<b title='\n\n<script>alert(1)</script>'>",
    "</div></div><script>alert(1)</script>",
    "![x](attachment:nothing.png)",
    "<template shadowrootmode=open><script>alert(1)</script></template>",
]
LIVE = [
    "<script",
    "<svg",
    '<img src="x',
    "<style",
    "<base",
    "<meta",
    "<link",
    "<form",
    "<input",
    "<iframe",
    "<object",
]
LIVE += [
    "<embed",
    "<template",
    "<button",
    "<textarea",
    'href="javascript',
    'href="data',
    'href="vb',
    "xlink",
    "srcset",
]
LIVE += ['src="https', 'src="//', "svg+xml", 'class="score', 'id="', 'style="', 'class="mermaid']


def test_what_an_honest_text_holds_survives():
    html = render(HONEST)
    for piece in [
        "<h1>A heading</h1>",
        "<mi>a</mi><mo>&lt;</mo><mi>b</mi>",
        "<code>a&lt;b</code> and 3 &lt; 4, <strong>bold</strong>, <b>bold</b>, H<sub>2</sub>O.",
        'display="block"',
        "<mo>∝</mo>",
        "<th><math",
        '<span class="k">return</span>',
        '"$b$"',
        "<details><summary>More</summary>",
        "It costs $5.",
        f'<img src="{PICTURE}" alt="me">',
        'href="https://arxiv.org/abs/1610.01283" rel="noopener noreferrer nofollow"',
    ]:
        assert piece in html, piece


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_live_is_left(text):
    for source in (
        text,
        f"> {text}",
        f"* {text}",
        f"x {text} y",
        f"| {text} |\n|---|\n| {text} |",
        f"<div>{text}",
    ):
        html = render(source)
        tags = [part.partition(">")[0].lower() for part in html.split("<")[1:]]
        assert not [(live, tag) for live in LIVE for tag in tags if live in f"<{tag}"]
        assert not [tag for tag in tags if " on" in tag or "evil.example" in tag]


@pytest.mark.parametrize("text", [HONEST, *HOSTILE, "a\n\nb\n\n    code\n\n* c", "$$ `x` $$ \\\\[ y \\\\]"])
def test_a_cell_stays_as_it_is_in_jupyter_s_own_renderer(text):
    cell = render_as_cell(text)
    assert markdown2html_mistune(cell).strip() == cell
    assert "\n" not in cell


def test_rendering_twice_is_rendering_once():
    for text in (HONEST, *HOSTILE):
        assert render(render_as_cell(text)).strip() == f"<div>{render(text)}</div>"


@pytest.mark.parametrize(
    "latex",
    ["{", r"\frac", "^", "", r"\begin{cases} a", "{" * 1500, "x" * 5000, r"\text{<b>}", r"\left(", "&&&"],
)
def test_a_broken_formula_shows_its_source(latex):
    shown = formula(latex)
    assert shown.startswith(("<code>", "<math")) and "<b>" not in shown
    assert (
        latex.strip()[:50].replace("<", "&lt;").replace(">", "&gt;").replace("&&&", "") in shown
        or "<math" in shown
    )


def test_letters_that_browsers_leave_out_are_put_in():
    assert (
        ">𝒩<" in formula(r"\mathcal{N}")
        and ">𝒩<" in formula(r"\mathcal N")
        and ">𝔼<" in formula(r"\mathbb E")
    )
    assert "log_prior" in formula(r"\texttt{log\_prior}")


@pytest.mark.parametrize(
    ("latex", "drawn"),
    [
        (r"\arg\max_a Q", "<mo>arg</mo>"),
        (r"\big\|x\big\|", ">‖<"),
        (r"\begin{aligned}a&=b\\[2pt]&=c\end{aligned}", "<mtr>"),
        (r"\begin{aligned}a&=b\\[2pt]c&=d\end{aligned}", "<mi>c</mi>"),
        (r"\log p(s')", "<mo>log</mo><mi>p</mi>"),
        (r"\log p(s')", "<mrow><mi>s</mi><mi>′</mi></mrow>"),
        (r"\sinh x", "<mi>sinh</mi>"),
        (r"\text{it harms: \emph{conflict}}", ">conflict<"),
        (r"\text{a \textbf{trial} ends}", ">trial<"),
    ],
)
def test_what_the_notebooks_write_is_drawn(latex, drawn):
    shown = formula(latex)
    assert drawn in shown and "\\" not in shown, shown


def test_control_characters_and_colours_go():
    assert plain("\x1b[31;1mred\x1b[0m \x1b]8;;http://x\x07link\x1b]8;;\x07\x00\x08\r\nnext\tcell é 𝒩") == (
        "red link\nnext\tcell é 𝒩"
    )
    assert plain("abc\u202edef\ud800") == "abcdef"
    plain("\ud83d\ude00 lone \udfff").encode()


def test_odd_texts_take_no_time():
    odd = [
        "[",
        ">",
        "- ",
        "$",
        "*",
        "![a](",
        "<a ",
        r"\begin{a}",
        "$x ",
        "<!--",
        "[a](<",
        r"\\[",
        r"\\(",
        "~~a ",
        "<div>",
    ]
    for piece in odd:
        began = time.process_time()
        render((piece * LONGEST)[:LONGEST])
        assert time.process_time() - began < 5, piece
    assert render("x" * (LONGEST + 1)).endswith("[cut here]</pre>")
    assert PICTURES.match(PICTURE)
