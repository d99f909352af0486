// The answer: what was read, how sure that is, and the probabilities; of several digits, the one that is chosen.

const SILENCE = 700; // milliseconds without a change, before a screen reader hears the answer
const find = (id) => document.getElementById(id);
const rows = [...document.querySelectorAll("#shares tr")];
let speech;

// Shows the answers to the digits of a picture; none where a sentence says why.
export function showAnswers(answers, sentence, choose = () => {}) {
  const several = find("several");
  several.hidden = answers.length < 2;
  several.replaceChildren(...(several.hidden ? [] : answers.map((answer, place) => button(answer, () => pick(place)))));
  const pick = (place) => {
    [...several.children].forEach((child, number) => child.setAttribute("aria-pressed", number === place));
    show(answers[place], answers[place].sentence);
    choose(place);
  };
  if (answers.length) pick(0);
  else show(null, sentence);
  speak(several.hidden ? "" : `${answers.length} digits: ${answers.map(inWord).join(", ")}.`);
}

function show(answer, sentence) {
  const isBlank = !answer || answer.why === "blank";
  find("verdict").className = isBlank ? "" : state(answer);
  find("digit").textContent = isBlank ? "?" : answer.digit;
  find("sentence").textContent = sentence;
  find("note").textContent = isBlank ? "" : note(answer);
  find("saw").src = answer?.saw ?? "static/blank.svg";
  find("saw").alt = answer ? "The picture of 28 x 28 pixels that the model saw" : "";
  rows.forEach((row, digit) => {
    const share = isBlank ? null : answer.probabilities[digit];
    row.classList.toggle("best", !isBlank && digit === answer.digit);
    row.querySelector(".share").style.width = `${100 * (share ?? 0)}%`;
    row.querySelector(".percent").textContent = share === null ? "–" : percent(share);
  });
}

function button(answer, pick) {
  const [one, saw] = [document.createElement("button"), document.createElement("img")];
  Object.assign(saw, { src: answer.saw, alt: "" });
  Object.assign(one, { type: "button", className: state(answer), ariaLabel: inWord(answer) });
  one.append(saw, answer.sure ? answer.digit : `${answer.digit}?`);
  one.addEventListener("click", pick);
  return one;
}

function note(answer) {
  const [best, second] = [answer.digit, answer.second].map((digit) => answer.probabilities[digit]);
  const next = second < 0.0005 ? "" : ` Next: ${answer.second}, ${percent(second)}.`;
  return `${percent(best)}.${next} ${answer.inverted ? "Dark ink, turned to bright." : "Bright ink."}`;
}

// A screen reader hears what is on the page once it rests, or other words.
function speak(words) {
  clearTimeout(speech);
  speech = setTimeout(() => {
    find("spoken").textContent = words || `${find("sentence").textContent} ${find("note").textContent}`;
  }, SILENCE);
}

const inWord = (answer) => (answer.sure ? `${answer.digit}` : `perhaps ${answer.digit}`);
const state = (answer) => (answer.sure ? "sure" : "unsure");
const percent = (share) => (share > 0.9995 && share < 1 ? "> 99.9 %" : `${(100 * share).toFixed(1)} %`);
