// Questions with choices, one at a time. Choosing and checking are two things: arrow keys walk through the choices
// of a radio group, and whoever only looks must not have answered. All of it came with the page.

{
  const { h } = course;

  const MARKS = { open: "·", first: "✓", later: "✓", wrong: "✗" };
  const SPOKEN = { open: "not answered yet", first: "right at the first try", later: "right, after another try", wrong: "not right yet" };
  // Each rule begins with the widget's own class: a widget farther down brings theme.js's rules once more.
  const CSS = `
.course-quiz { padding: 10px; }
.course-quiz .course-quiz-head, .course-quiz .course-quiz-row { display: flex; gap: 8px 10px; align-items: center; flex-wrap: wrap; }
.course-quiz .course-quiz-title { font-weight: 700; font-size: 1.125em; flex: 1 1 10em; }
.course-quiz .course-quiz-pages { display: flex; gap: 6px; flex-wrap: wrap; margin: 8px 0; }
.course-quiz .course-quiz-pages button { gap: 5px; font-variant-numeric: tabular-nums; }
.course-quiz .course-quiz-pages button[aria-current] { background: var(--course-ink); color: var(--course-paper); border-color: var(--course-ink); }
.course-quiz fieldset { border: 0; padding: 0; margin: 0; min-width: 0; }
.course-quiz legend { font-size: 1.125em; font-weight: 600; padding: 0; margin: 4px 0 8px; float: none; width: auto; color: inherit; border: 0; line-height: 1.4; }
.course-quiz .course-quiz-choice { border: 2px solid var(--course-line); border-radius: 9px; margin: 0 0 8px; padding: 0 12px; }
.course-quiz .course-quiz-choice label { display: flex; gap: 12px; align-items: center; min-height: 44px; padding: 6px 0; cursor: pointer; margin: 0; font-weight: 400; }
.course-quiz .course-quiz-choice input { width: 22px; height: 22px; margin: 0; flex: none; accent-color: var(--course-accent); cursor: pointer; }
.course-quiz .course-quiz-choice p { margin: 0 0 10px; padding: 0 0 0 34px; }
.course-quiz .course-quiz-choice[data-found] { border-color: var(--course-ink); background: var(--course-panel); }
.course-quiz .course-quiz-choice[data-found=right] { border-left-width: 12px; }
.course-quiz .course-quiz-choice[data-found=wrong] { border-left-width: 12px; border-left-style: double; }
.course-quiz .course-quiz-choice:has(input:checked) { border-color: var(--course-accent); }
.course-quiz .course-quiz-score { margin-left: auto; font-variant-numeric: tabular-nums; }
.course-quiz .course-quiz-hint { color: var(--course-muted); margin-top: 8px; }
`;

  const fresh = (questions) => questions.map(() => ({ chosen: null, checked: [] }));
  // How a question stands, from the places that were checked, in order.
  function standing(question, { checked }) {
    if (!checked.length) return "open";
    if (question.choices[checked[0]].right) return "first";
    return checked.some((i) => question.choices[i].right) ? "later" : "wrong";
  }
  function score(questions, answers) {
    const all = questions.map((question, i) => standing(question, answers[i]));
    const first = all.filter((one) => one === "first").length, tried = all.filter((one) => one !== "open").length;
    return { first, tried, over: all.every((one) => one === "first" || one === "later") };
  }

  function create(root, { title, questions }) {
    const now = { page: 0, answers: fresh(questions) }, last = questions.length - 1;
    root.classList.add("course-quiz");
    const theme = course.dress(root);
    const lecture = course.lecture(root);

    const again = course.button({ icon: "restart", text: "Start over", onclick: () => { now.answers = fresh(questions); go(0); } });
    const pages = questions.map((_, i) => h("button", { type: "button", onclick: () => go(i) }));
    const body = h("div", {}), says = h("div", { class: "course-hidden", role: "status" });
    const check = h("button", { type: "button", class: "course-main", onclick: () => look() }, "Check");
    const back = h("button", { type: "button", onclick: () => go(now.page - 1) }, "Back");
    const next = h("button", { type: "button", onclick: () => go(now.page + 1) }, "Next");
    const points = h("div", { class: "course-quiz-score" });
    root.append(
      h("style", {}, CSS),
      h("div", { class: "course-quiz-head" }, h("div", { class: "course-quiz-title" }, title), again, lecture.button),
      h("div", { role: "group", "aria-label": title },
        h("div", { class: "course-quiz-pages", role: "group", "aria-label": "Questions" }, ...pages),
        body, h("div", { class: "course-quiz-row" }, check, back, next, points), says),
      h("div", { class: "course-quiz-hint" }, "Arrow keys choose, Enter checks, N and B turn the page. A wrong choice says what is wrong with it: try again as often as you like."),
    );

    let shown = []; // of the page: each choice with its box
    function build() {
      const question = questions[now.page], name = course.id("quiz"), answer = now.answers[now.page];
      shown = question.choices.map((choice, i) => {
        const id = course.id("choice"), why = h("p", { id: `${id}-why` });
        const input = h("input", { type: "radio", id, name, "aria-describedby": `${id}-why`, onchange: () => { answer.chosen = i; refresh(); } });
        input.checked = answer.chosen === i;
        return { input, why, box: h("div", { class: "course-quiz-choice" }, h("label", { for: id }, input, h("span", {}, choice.text)), why) };
      });
      body.replaceChildren(h("fieldset", {}, h("legend", {}, `${now.page + 1}. ${question.text}`), ...shown.map(({ box }) => box)));
    }

    function refresh() {
      const question = questions[now.page], answer = now.answers[now.page];
      shown.forEach(({ box, why }, i) => {
        const { right, why: because } = question.choices[i], found = answer.checked.includes(i);
        why.hidden = !found;
        why.replaceChildren(...(found ? [h("strong", {}, right ? "✓ Right. " : "✗ Not so. "), because] : []));
        if (found) box.dataset.found = right ? "right" : "wrong";
        else delete box.dataset.found;
      });
      check.disabled = answer.chosen === null || answer.checked.includes(answer.chosen);
      back.disabled = now.page === 0;
      next.disabled = now.page === last;
      pages.forEach((button, i) => {
        const state = standing(questions[i], now.answers[i]);
        button.replaceChildren(h("span", {}, String(i + 1)), h("span", { "aria-hidden": "true" }, MARKS[state]));
        button.setAttribute("aria-label", `Question ${i + 1}, ${SPOKEN[state]}`);
        button.title = SPOKEN[state];
        if (i === now.page) button.setAttribute("aria-current", "step");
        else button.removeAttribute("aria-current");
      });
      const { first, tried, over } = score(questions, now.answers);
      points.textContent = tried ? `Right at the first try: ${first} of ${tried}${over ? ". All done." : ""}` : `${questions.length} questions`;
    }

    function go(page) {
      if (page < 0 || page > last) return;
      const inside = body.contains(document.activeElement) || document.activeElement === back || document.activeElement === next;
      now.page = page;
      says.textContent = "";
      build();
      refresh();
      // What had the focus may be gone, or dead: the first choice takes it, and the keys stay here.
      if (inside) (shown.find(({ input }) => input.checked) ?? shown[0]).input.focus();
    }

    function look() {
      const answer = now.answers[now.page], { chosen } = answer;
      if (chosen === null || answer.checked.includes(chosen)) return;
      answer.checked.push(chosen);
      const focused = document.activeElement === check;
      refresh();
      if (focused) shown[chosen].input.focus();
      says.textContent = shown[chosen].why.textContent;
      course.painted((at) => course.tell(root, "quiz", { at, page: now.page, chosen }));
    }

    root.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const key = event.key.toLowerCase(), choosing = event.target.matches("input[type=radio]");
      if (key === "enter" && choosing) look();
      else if (key === "n") go(now.page + 1);
      else if (key === "b") go(now.page - 1);
      else {
        if (choosing && key.startsWith("arrow")) event.stopPropagation(); // the notebook would take it
        return;
      }
      event.preventDefault();
      event.stopPropagation();
    });

    go(0);
    return { destroy() { theme.stop(); } };
  }

  function render({ model, el }) {
    const root = h("div");
    el.append(root);
    const view = create(root, model.get("data"));
    return () => view.destroy();
  }

  course.quiz = { create, render, standing, score };
}
