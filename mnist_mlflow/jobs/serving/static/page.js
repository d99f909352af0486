// The page: it asks the server as the paper changes.

import { showAnswers } from "./answer.js";
import { Paper } from "./paper.js";

const PAUSE = 120; // milliseconds between two questions while somebody draws
const SMALLER = 2000; // pixels, to which a picture shrinks that is too large to send
const largest = Number(document.body.dataset.largest);
const find = (id) => document.getElementById(id);
const paper = new Paper(find("paper"), changed);
let timer;
let asking = false;

function changed() {
  find("stage").classList.toggle("used", !paper.isEmpty);
  find("undo").disabled = !paper.before.length;
  find("clear").disabled = paper.isEmpty;
  if (paper.isEmpty) showAnswers([], "Nothing is drawn yet.");
  else askIn(PAUSE);
}

function askIn(milliseconds) {
  timer ??= setTimeout(ask, milliseconds);
}

async function ask() {
  timer = undefined;
  if (asking) return askIn(PAUSE); // the next question waits for this answer
  if (paper.isEmpty) return;
  asking = true;
  const picture = paper.picture; // drawings show one digit, pictures may show several
  try {
    const body = await paper.content();
    const response = await fetch(picture ? "digits" : "digit", { method: "POST", body });
    const content = await response.json();
    if (response.status === 429) askIn(1000 * Number(response.headers.get("Retry-After")));
    else if (!paper.isEmpty && paper.picture === picture) answered(response.ok, content);
  } catch {
    showAnswers([], "The server does not answer. Is it still running?");
  } finally {
    asking = false;
  }
}

function answered(isRead, content) {
  if (!isRead) showAnswers([], content.message);
  else if (content.digits) showAnswers(content.digits, "", (place) => paper.frame(content, place));
  else showAnswers([content], "");
}

async function take(file) {
  if (!file) return;
  const bitmap = await createImageBitmap(file).catch(() => null); // the server reads some that browsers do not
  paper.put({ file: bitmap && file.size > largest ? await shrink(bitmap) : file, bitmap });
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
  const isCommand = event.ctrlKey || event.metaKey;
  if (event.key.toLowerCase() === "z" && isCommand) paper.undo();
  else if (event.key === "Delete" || event.key === "Backspace") paper.clear();
  else if (event.key in steps && event.target === paper.canvas && !isCommand) setWidth(paper.width + steps[event.key]);
  else return;
  event.preventDefault();
}

function drag(event) {
  event.preventDefault();
  find("stage").classList.toggle("over", event.type === "dragenter" || event.type === "dragover");
  if (event.type === "drop") take(event.dataTransfer.files[0]);
}

function choose(event) {
  take(event.target.files[0]);
  event.target.value = ""; // so that the same file can be chosen again
}

find("undo").addEventListener("click", () => paper.undo());
find("clear").addEventListener("click", () => paper.clear());
find("width").addEventListener("input", (event) => setWidth(event.target.value));
document.addEventListener("keydown", key);
document.addEventListener("paste", (event) => take(event.clipboardData.files[0]));
for (const name of ["dragenter", "dragover", "dragleave", "drop"]) document.addEventListener(name, drag);
for (const input of document.querySelectorAll("[data-picture]")) input.addEventListener("change", choose);
setWidth(find("width").value);
changed();
