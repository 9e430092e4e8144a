// The three sheets of the page: the start, a case, the end.

let at = 0;
let since = null;
const shownCase = () => answers.cases[at];

/** Time counts while a case can be seen. */
function flushClock() {
  if (since === null) return;
  const now = performance.now();
  shownCase().milliseconds += Math.round(now - since);
  since = now;
  keep(false);
}

function startClock() {
  since = document.hidden || find("case").hidden ? null : performance.now();
}

function show(sheet) {
  flushClock();
  for (const main of document.querySelectorAll("main")) main.hidden = main.id !== sheet;
  startClock();
}

function begin(found) {
  complain("");
  if (found !== answers) isKept = true; // nothing is answered yet, or it is kept or in a file
  answers = found;
  keep(false);
  const first = answers.cases.findIndex((own) => !isComplete(own));
  if (first < 0) finish();
  else goTo(first);
}

function showProgress() {
  const count = answers.cases.filter(isComplete).length;
  find("place").textContent = `Case ${at + 1} of ${answers.cases.length}`;
  find("done").value = count / answers.cases.length;
  find("answered").textContent = `${count} answered`;
  find("back").disabled = at === 0;
  find("next").textContent = at + 1 < answers.cases.length ? "Next →" : "Finish →";
  find("next").classList.toggle("ready", isComplete(shownCase()));
}

/** An image in its view, with what stands below it. */
function figureOf(address, caption, kind, name) {
  const figure = made("figure", "", kind);
  const box = made("div", "", "view");
  const image = made("img");
  image.src = address;
  image.alt = name;
  image.draggable = false;
  box.append(image);
  listenToView(box);
  const line = made("figcaption");
  line.append(caption);
  figure.append(box, line);
  return figure;
}

function goTo(number) {
  flushClock();
  since = null;
  at = number;
  show("case");
  const own = shownCase();
  const { sources, images } = caseOf[own.case];
  const shown = sources.map(({ label, image }) =>
    figureOf(image, made("span", label), "source", label));
  own.order.forEach((code, place) => {
    const button = made("button", place + 1);
    button.addEventListener("click", () => {
      current = steps.indexOf(markedChoice());
      answerByNumber(own, place + 1);
      button.blur();
    });
    shown.push(figureOf(images[code], button, "fused", `Image ${place + 1}`));
  });
  find("images").replaceChildren(...shown);
  resetView();
  writeQuestions(own);
  arrange(caseOf[own.case].aspect);
  startClock();
}

function next() {
  if (at + 1 < answers.cases.length) goTo(at + 1);
  else finish();
}

function finish() {
  show("end");
  const open = answers.cases.flatMap((own, place) => (isComplete(own) ? [] : [place]));
  const count = answers.cases.length - open.length;
  find("summary").textContent = open.length === 0
    ? `All ${count} cases are answered` : `${count} of ${answers.cases.length} cases are answered`;
  find("rest").textContent = open.length === 0
    ? "Thank you." : "Answers that lack a case are not counted. These are open:";
  find("open-cases").replaceChildren(...open.map((place) => {
    const button = made("button", `Case ${place + 1}`);
    button.addEventListener("click", () => goTo(place));
    return button;
  }));
}

function pause() {
  show("start");
  find("reader").value = answers.reader;
  sayKnown();
}

/** Say whether this browser has answers of who is named. */
function sayKnown() {
  const kept = keptAnswers(find("reader").value);
  const count = kept === null ? 0 : kept.cases.filter(isComplete).length;
  find("known").textContent = kept === null ? "" : `${count} of ${kept.cases.length} cases of this `
    + "reader are answered in this browser.";
  find("begin").textContent = kept === null ? "Begin" : "Go on";
}

const KEYS = {
  ArrowLeft: () => at > 0 && goTo(at - 1),
  ArrowRight: () => next(),
  Enter: () => next(),
  ArrowUp: () => markBeside(-1),
  ArrowDown: () => markBeside(1),
  "+": () => zoomBy(1.25),
  "=": () => zoomBy(1.25),
  "-": () => zoomBy(0.8),
  r: () => resetView(),
  p: () => pause(),
};

function press(event) {
  const { key, target } = event;
  if (find("case").hidden || event.ctrlKey || event.metaKey || event.altKey) return;
  if (target.closest("textarea, input")) {
    if (key === "Escape") target.blur();
    return;
  }
  if (key === "Enter" && target.closest("button")) return; // it presses that button
  const act = /^[1-9]$/.test(key)
    ? () => answerByNumber(shownCase(), Number(key)) : KEYS[key.length === 1 ? key.toLowerCase() : key];
  if (act === undefined) return;
  event.preventDefault();
  act();
}

function listen() {
  find("entry").addEventListener("submit", (event) => {
    event.preventDefault();
    const reader = find("reader").value;
    if (mayLeave(reader)) begin(keptAnswers(reader) ?? newAnswers(reader));
  });
  find("reader").addEventListener("input", sayKnown);
  find("open").addEventListener("change", async (event) => {
    const [file] = event.target.files;
    if (file !== undefined) await openFile(file);
    event.target.value = "";
  });
  for (const id of ["level", "width"]) {
    find(id).addEventListener("input", () =>
      setWindow(Number(find("level").value), Number(find("width").value)));
    find(id).addEventListener("pointerup", () => find(id).blur()); // keys answer again
  }
  find("reset").addEventListener("click", resetView);
  find("back").addEventListener("click", () => goTo(at - 1));
  find("next").addEventListener("click", next);
  find("pause").addEventListener("click", pause);
  find("return").addEventListener("click", () => goTo(at));
  for (const id of ["save", "save-all"]) find(id).addEventListener("click", saveFile);
  for (const button of document.querySelectorAll("main > header button, footer > button")) {
    button.addEventListener("click", () => button.blur());
  }
  document.addEventListener("keydown", press);
  document.addEventListener("visibilitychange", () => {
    flushClock();
    startClock();
  });
  window.addEventListener("pagehide", flushClock);
  window.addEventListener("beforeunload", (event) => {
    if (!isKept) event.preventDefault();
  });
  new ResizeObserver(() => {
    if (!find("case").hidden) arrange(caseOf[shownCase().case].aspect);
  }).observe(find("images"));
}

find("instructions").textContent = study.instructions;
find("extent").textContent = study.cases.length === 1
  ? "There is 1 case." : `There are ${study.cases.length} cases.`;
listen();
