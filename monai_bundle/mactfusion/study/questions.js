// The questions of a case: which is marked, and what was answered.

/** A key answers one step: a question, or a rating of one image. */
let steps = [];
let current = 0;

const made = (kind, content = "", name = "") => {
  const element = document.createElement(kind);
  element.textContent = content;
  element.className = name;
  return element;
};

/** Every step of a case, in the order of the questions and of the images. */
function stepsOf(own) {
  return study.questions.flatMap((question) => {
    if (question.of === "images") return own.order.map((code) => ({ question, code }));
    return [{ question }];
  });
}

function answerOf(own, { question, code }) {
  const given = own.answers[question.id];
  return code === undefined ? given : given?.[code];
}

const isAnswered = (own, step) => ![undefined, ""].includes(answerOf(own, step));

/** Whether all that is required of a case is answered. */
const isComplete = (own) => stepsOf(own)
  .every((step) => !step.question.required || isAnswered(own, step));

/** Keep an answer; an empty text is none. */
function setAnswer(own, { question, code }, value) {
  if (code !== undefined) {
    own.answers[question.id] = { ...own.answers[question.id], [code]: value };
  } else if (value === "") {
    delete own.answers[question.id];
  } else {
    own.answers[question.id] = value;
  }
  keep();
}

/** What a number means for a step; nothing if it means nothing. */
function valueOf(own, { question }, number) {
  if (question.kind === "choice") return own.order[number - 1];
  return question.kind === "rating" && number <= question.scale ? number : undefined;
}

/** Answer the marked step by a number, and mark the next that a number answers. */
function answerByNumber(own, number) {
  const step = steps[current];
  const value = valueOf(own, step, number);
  if (value === undefined) return;
  setAnswer(own, step, value);
  const next = steps.findIndex((one, at) => at > current && one.question.kind !== "text");
  mark(next < 0 ? current : next);
}

/** Mark the step before or after, of those that a number answers. */
function markBeside(way) {
  let at = current + way;
  while (steps[at]?.question.kind === "text") at += way;
  if (steps[at] !== undefined) mark(at);
}

function mark(at) {
  current = at;
  showAnswers();
  document.querySelector(`.scale[data-step="${at}"]`).scrollIntoView({ block: "nearest" });
}

/** Write the questions of a case anew. */
function writeQuestions(own) {
  steps = stepsOf(own);
  const boxes = study.questions.map((question) => {
    const box = made("div", "", "question");
    box.dataset.id = question.id;
    const ends = question.of === "images"
      ? ` (1: ${question.ends[0]}, ${question.scale}: ${question.ends[1]})` : "";
    box.append(made("p", `${question.text}${ends}${question.required ? "" : " (optional)"}`));
    const rows = made("div", "", "rows");
    steps.forEach((step, at) => {
      if (step.question !== question) return;
      rows.append(question.kind === "text" ? textField(own, step) : scaleOf(own, step, at));
    });
    box.append(rows);
    return box;
  });
  find("questions").replaceChildren(...boxes);
  const first = steps.findIndex((step) => step.question.kind !== "text" && !isAnswered(own, step));
  mark(first < 0 ? steps.findIndex((step) => step.question.kind !== "text") : first);
}

function textField(own, step) {
  const field = made("textarea");
  field.maxLength = 2000;
  field.value = answerOf(own, step) ?? "";
  field.setAttribute("aria-label", step.question.text);
  field.addEventListener("input", () => {
    setAnswer(own, step, field.value.trim());
    showAnswers();
  });
  return field;
}

/** A button for each number that answers a step. */
function scaleOf(own, step, at) {
  const { question, code } = step;
  const row = made("div", "", "scale");
  row.dataset.step = at;
  const isRating = question.kind === "rating";
  if (code !== undefined) row.append(made("span", `Image ${own.order.indexOf(code) + 1}`, "name"));
  const hasEnds = isRating && code === undefined;
  if (hasEnds) row.append(made("span", question.ends[0], "end"));
  const count = isRating ? question.scale : own.order.length;
  for (let number = 1; number <= count; number += 1) {
    const button = made("button", number);
    button.setAttribute("aria-label", isRating ? `${number} of ${count}` : `Image ${number}`);
    button.addEventListener("click", () => {
      current = at;
      answerByNumber(own, number);
      button.blur(); // so that keys answer, and do not press the button again
    });
    row.append(button);
  }
  if (hasEnds) row.append(made("span", question.ends[1], "end"));
  return row;
}

/** The choice that images are marked for: the one that is asked, or else the last before it. */
function markedChoice() {
  const choices = steps.filter(({ question }, at) => question.kind === "choice" && at <= current);
  return choices.at(-1) ?? steps.find(({ question }) => question.kind === "choice");
}

/** Show what was answered, and which step is marked. */
function showAnswers() {
  const own = shownCase();
  for (const box of document.querySelectorAll(".question")) {
    box.classList.toggle("current", box.dataset.id === steps[current].question.id);
  }
  for (const row of document.querySelectorAll(".scale")) {
    const at = Number(row.dataset.step);
    row.classList.toggle("current", at === current);
    [...row.querySelectorAll("button")].forEach((button, place) => {
      const isGiven = isAnswered(own, steps[at])
        && answerOf(own, steps[at]) === valueOf(own, steps[at], place + 1);
      button.setAttribute("aria-pressed", isGiven);
    });
  }
  const chosen = answerOf(own, markedChoice());
  own.order.forEach((code, place) => {
    const figure = find("images").children[place + 2];
    figure.classList.toggle("chosen", code === chosen);
    figure.querySelector("button").setAttribute("aria-pressed", code === chosen);
  });
  showProgress();
}
