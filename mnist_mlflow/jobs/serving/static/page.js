// The page: it asks the server as the paper changes, and shows the answer.

import { Paper } from "./paper.js";

const PAUSE = 120; // milliseconds between two questions while somebody draws
const SILENCE = 700; // without a change, before a screen reader hears the answer
const SMALLER = 2000; // pixels, to which a picture shrinks that is too large to send
const largest = Number(document.body.dataset.largest);
const find = (id) => document.getElementById(id);
const rows = [...document.querySelectorAll("tbody tr")];
const section = find("digit").closest("section");
const paper = new Paper(find("paper"), changed);
let timer, speech, asking = false;

function changed() {
  find("stage").classList.toggle("used", !paper.isEmpty);
  find("undo").disabled = !paper.before.length;
  find("clear").disabled = paper.isEmpty;
  if (paper.isEmpty) show(null, "Nothing is drawn yet.");
  else timer ??= setTimeout(ask, asking ? 2 * PAUSE : PAUSE);
}

async function ask() {
  timer = undefined;
  if (asking) return changed(); // the next question waits for this answer
  if (paper.isEmpty) return;
  asking = true;
  try {
    const body = await paper.content();
    const response = await fetch("digit", { method: "POST", body });
    const answer = await response.json();
    if (paper.isEmpty) return;
    if (response.status === 429) timer ??= setTimeout(ask, 1000 * Number(response.headers.get("Retry-After")));
    else if (response.ok) show(answer, answer.sentence);
    else show(null, answer.message);
  } catch {
    show(null, "The server does not answer. Is it still running?");
  } finally {
    asking = false;
  }
}

function show(answer, sentence) {
  const blank = !answer || answer.why === "blank";
  section.className = blank ? "" : answer.sure ? "sure" : "unsure";
  find("digit").textContent = blank ? "?" : answer.digit;
  find("sentence").textContent = sentence;
  find("note").textContent = blank ? "" : note(answer);
  find("saw").src = answer?.saw ?? "static/blank.svg";
  find("saw").alt = answer ? "The picture of 28 x 28 pixels that the model saw" : "";
  rows.forEach((row, digit) => showShare(row, blank ? null : answer.probabilities[digit], digit === answer?.digit && !blank));
  clearTimeout(speech);
  speech = setTimeout(() => (find("spoken").textContent = `${sentence} ${find("note").textContent}`), SILENCE);
}

function note(answer) {
  const second = `Second: ${answer.second}, ${percent(answer.probabilities[answer.second])}.`;
  return `${percent(answer.confidence)}. ${second} ${answer.inverted ? "Dark ink on bright paper." : "Bright ink on a dark ground."}`;
}

function showShare(row, share, best) {
  row.classList.toggle("best", best);
  row.querySelector(".share").style.width = `${100 * (share ?? 0)}%`;
  row.querySelector(".percent").textContent = share === null ? "–" : percent(share);
}

function percent(share) {
  return share > 0.9995 && share < 1 ? "> 99.9 %" : `${(100 * share).toFixed(1)} %`;
}

async function take(file) {
  if (!file) return;
  const bitmap = await createImageBitmap(file).catch(() => null); // the server reads some that browsers do not
  const sent = bitmap && file.size > largest ? await shrink(bitmap) : file;
  paper.put([], { file: sent, bitmap });
}

function shrink(bitmap) {
  const scale = SMALLER / Math.max(bitmap.width, bitmap.height, SMALLER);
  const sheet = new OffscreenCanvas(Math.round(bitmap.width * scale), Math.round(bitmap.height * scale));
  sheet.getContext("2d").drawImage(bitmap, 0, 0, sheet.width, sheet.height);
  return sheet.convertToBlob({ type: "image/jpeg", quality: 0.92 });
}

function setWidth(width) {
  find("width").value = width; // which keeps it within its limits
  paper.width = Number(find("width").value);
  paper.draw();
}

function key(event) {
  const steps = { "+": 2, "=": 2, "-": -2 };
  if (event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey)) paper.undo();
  else if (event.key === "Delete" || event.key === "Backspace") paper.clear();
  else if (event.key in steps && event.target === paper.canvas && !event.ctrlKey) setWidth(paper.width + steps[event.key]);
  else return;
  event.preventDefault();
}

find("undo").addEventListener("click", () => paper.undo());
find("clear").addEventListener("click", () => paper.clear());
find("width").addEventListener("input", (event) => setWidth(event.target.value));
document.addEventListener("keydown", key);
document.addEventListener("paste", (event) => take(event.clipboardData.files[0]));
for (const input of document.querySelectorAll("[data-picture]"))
  input.addEventListener("change", () => {
    take(input.files[0]);
    input.value = ""; // so that the same file can be chosen again
  });
for (const name of ["dragenter", "dragover", "dragleave", "drop"])
  document.addEventListener(name, (event) => {
    event.preventDefault();
    find("stage").classList.toggle("over", name === "dragenter" || name === "dragover");
    if (name === "drop") take(event.dataTransfer.files[0]);
  });
setWidth(find("width").value);
changed();
