// Answers are kept in this browser, and saved to and opened from files.

const study = JSON.parse(find("study").textContent);
const caseOf = Object.fromEntries(study.cases.map((one) => [one.case, one]));
/** What the file of answers holds; empty until a reader begins. */
let answers = null;
/** Whether no answer would be lost with the page. */
let isKept = true;

const placeOf = (reader) => `mactfusion reader study ${study.study} ${reader}`;

/** Nothing answered yet, everything in the order of this reader. */
function newAnswers(reader) {
  const codes = study.cases.map((one) => one.case);
  return {
    study: study.study,
    version: study.version,
    seed: study.seed,
    reader,
    cases: shuffled(codes, `${study.seed} ${reader}`).map((code) => ({
      case: code,
      order: shuffled(Object.keys(caseOf[code].images), `${study.seed} ${reader} ${code}`),
      answers: {},
      milliseconds: 0,
    })),
  };
}

/** Say what is wrong with answers from elsewhere; nothing if they are of this study. */
function faultOf(found) {
  if (found === null || typeof found !== "object" || found.study !== study.study) {
    return "These are no answers to this study.";
  }
  const isReader = typeof found.reader === "string" && /^[A-Za-z0-9_-]{1,32}$/.test(found.reader);
  if (!isReader || found.version !== study.version || found.seed !== study.seed) {
    return "These answers have been changed, or are of another version of the page.";
  }
  const fresh = newAnswers(found.reader);
  const isWhole = Array.isArray(found.cases) && found.cases.length === fresh.cases.length
    && found.cases.every((one, at) => one !== null && typeof one === "object"
      && one.case === fresh.cases[at].case
      && JSON.stringify(one.order) === JSON.stringify(fresh.cases[at].order)
      && Number.isInteger(one.milliseconds) && one.milliseconds >= 0
      && one.answers !== null && typeof one.answers === "object"
      && Object.entries(one.answers).every(([id, given]) => isAnswer(id, given, one.order)));
  return isWhole ? "" : "These answers have been changed.";
}

/** Whether a question can be answered so. */
function isAnswer(id, given, codes) {
  const question = study.questions.find((one) => one.id === id);
  if (question === undefined) return false;
  if (question.kind === "choice") return codes.includes(given);
  if (question.kind === "text") return typeof given === "string";
  const isRating = (value) => Number.isInteger(value) && value >= 1 && value <= question.scale;
  if (question.of === "case") return isRating(given);
  return given !== null && typeof given === "object"
    && Object.entries(given).every(([code, value]) => codes.includes(code) && isRating(value));
}

/** What this page has of a reader, or this browser kept; else nothing. */
function keptAnswers(reader) {
  if (answers?.reader === reader) return answers; // there are browsers that keep nothing
  try {
    const found = JSON.parse(localStorage.getItem(placeOf(reader)));
    return found !== null && faultOf(found) === "" ? found : null;
  } catch (error) {
    return null;
  }
}

/** Keep the answers; one that is new is lost with the page where the browser keeps nothing. */
function keep(isNew = true) {
  try {
    localStorage.setItem(placeOf(answers.reader), JSON.stringify(answers));
    isKept = true;
  } catch (error) {
    if (isNew) isKept = false;
    complain("This browser keeps nothing: save the answers as a file before you close the page.");
  }
}

/** Ask before answers are lost that are neither kept nor in a file; true where there are none. */
function mayLeave(reader) {
  return isKept || answers === null || answers.reader === reader
    || window.confirm(`The answers of the reader ${answers.reader} are not saved and will be lost. `
      + "Go on without them?");
}

function saveFile() {
  flushClock();
  const text = `${JSON.stringify(answers, null, 1)}\n`;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = `answers-${answers.reader}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  isKept = true;
}

async function openFile(file) {
  let found = null;
  try {
    found = JSON.parse(await file.text());
  } catch (error) {
    complain(`${file.name} is no file of answers.`);
    return;
  }
  const fault = faultOf(found);
  if (fault !== "") {
    complain(`${file.name}: ${fault}`);
    return;
  }
  const kept = keptAnswers(found.reader);
  const [here, there] = [kept ?? found, found].map((one) => one.cases.filter(isComplete).length);
  const question = `In this browser ${here} cases of the reader ${found.reader} are answered, in `
    + `${file.name} ${there}. Go on with the file, and lose what is here?`;
  if ((here <= there || window.confirm(question)) && mayLeave(found.reader)) begin(found);
}

function complain(sentence) {
  find("problem").hidden = sentence === "";
  find("problem").textContent = sentence;
}
