// The paper: strokes of mouse, finger, pen and keyboard, or one picture; every change can be taken back.

const SIDE = 280; // units of the paper, on each side
const SENT = { ground: "#ffffff", ink: "#000000" }; // in whatever colours it is shown

export class Paper {
  constructor(canvas, changed) {
    this.canvas = canvas;
    this.changed = changed; // called after each change
    this.width = 20;
    this.strokes = []; // each of a width and points
    this.picture = null; // a file, and what is shown of it
    this.before = []; // earlier contents, the latest last
    this.stroke = null; // the one that is being drawn
    this.pen = { x: SIDE / 2, y: SIDE / 2, shown: false }; // that of the keyboard
    canvas.addEventListener("pointerdown", (event) => this.#begin(event));
    canvas.addEventListener("pointermove", (event) => this.#go(event));
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, (event) => this.#end(event));
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("blur", () => this.#lift());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    this.draw();
  }

  get isEmpty() {
    return !this.strokes.length && !this.picture;
  }

  // Shows a picture in place of all that is there: a file, and a bitmap of it where this browser can make one.
  put(picture) {
    this.#lift();
    this.before.push([this.strokes, this.picture]);
    [this.strokes, this.picture] = [[], picture];
    this.#show();
  }

  clear() {
    if (!this.isEmpty) this.put(null);
  }

  // Frames the digits that were found on the picture, and one of them more boldly.
  frame({ digits, size }, chosen) {
    if (!this.picture) return;
    this.picture.frames = digits.length > 1 ? { digits, size, chosen } : null;
    this.draw();
  }

  undo() {
    this.#lift();
    if (this.before.length) [this.strokes, this.picture] = this.before.pop();
    this.#show();
  }

  // What is sent: the file itself, or the strokes as a small PNG.
  content() {
    if (this.picture) return Promise.resolve(this.picture.file);
    const sheet = new OffscreenCanvas(SIDE, SIDE);
    this.#paint(sheet.getContext("2d"), SENT.ground, SENT.ink);
    return sheet.convertToBlob({ type: "image/png" });
  }

  draw() {
    const style = getComputedStyle(this.canvas);
    const context = this.canvas.getContext("2d");
    context.setTransform(this.canvas.width / SIDE, 0, 0, this.canvas.height / SIDE, 0, 0);
    this.#paint(context, style.getPropertyValue("--paper"), style.getPropertyValue("--ink"));
    if (this.picture?.frames) this.#drawFrames(context, style);
    if (this.pen.shown) this.#drawPen(context, style.getPropertyValue("--mark"));
  }

  #paint(context, ground, ink) {
    context.fillStyle = ground;
    context.fillRect(0, 0, SIDE, SIDE);
    if (this.picture) return this.#paintPicture(context, ink);
    Object.assign(context, { lineCap: "round", lineJoin: "round", strokeStyle: ink });
    for (const { width, points } of this.strokes) {
      context.lineWidth = width;
      context.stroke(curve(points));
    }
  }

  #paintPicture(context, ink) {
    const { file, bitmap } = this.picture;
    if (bitmap) {
      context.drawImage(bitmap, ...fit([bitmap.width, bitmap.height], [0, 0, bitmap.width, bitmap.height]));
    } else {
      Object.assign(context, { fillStyle: ink, font: "14px system-ui, sans-serif", textAlign: "center" });
      context.fillText(file.name || "a picture that this browser cannot show", SIDE / 2, SIDE / 2, SIDE - 20);
    }
  }

  #drawFrames(context, style) {
    const { digits, size, chosen } = this.picture.frames;
    digits.forEach(({ box, sure }, place) => {
      context.strokeStyle = style.getPropertyValue(sure ? "--sure" : "--doubt");
      context.lineWidth = place === chosen ? 3 : 1.2;
      context.setLineDash(sure ? [] : [4, 2]);
      context.strokeRect(...fit(size, box));
    });
    context.setLineDash([]);
  }

  #drawPen(context, colour) {
    const radius = Math.max(4, this.width / 2);
    Object.assign(context, { strokeStyle: colour, lineWidth: this.stroke ? 3 : 1.5 });
    context.beginPath();
    context.arc(this.pen.x, this.pen.y, radius, 0, 2 * Math.PI);
    context.stroke();
  }

  #show() {
    this.draw();
    this.changed();
  }

  #begin(event) {
    if (event.button || this.stroke) return; // a second finger draws nothing
    event.preventDefault();
    this.canvas.focus({ preventScroll: true, focusVisible: false });
    this.canvas.setPointerCapture(event.pointerId);
    this.pen.shown = false;
    this.#lower(this.#place(event), event.pointerId);
  }

  #go(event) {
    if (this.stroke?.pointer !== event.pointerId) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const one of events.length ? events : [event]) this.stroke.points.push(this.#place(one));
    this.#show();
  }

  #end(event) {
    if (this.stroke?.pointer === event.pointerId) this.#lift();
  }

  #lower(point, pointer) {
    this.before.push([this.strokes, this.picture]);
    this.stroke = { width: this.width, points: [point], pointer };
    this.strokes = [...(this.picture ? [] : this.strokes), this.stroke];
    this.picture = null;
    this.#show();
  }

  #lift() {
    this.stroke = null;
  }

  #place(event) {
    const box = this.canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * SIDE) / box.width, ((event.clientY - box.top) * SIDE) / box.height];
  }

  #key(event) {
    const step = event.shiftKey ? 2 : 10;
    const move = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
    if ((!move && event.key !== " ") || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.pen.shown = true;
    if (move) this.#movePen(...move);
    else if (this.stroke) this.#lift();
    else this.#lower([this.pen.x, this.pen.y], "keyboard");
    this.#show();
  }

  #movePen(right, down) {
    this.pen.x = Math.min(SIDE, Math.max(0, this.pen.x + right));
    this.pen.y = Math.min(SIDE, Math.max(0, this.pen.y + down));
    this.stroke?.points.push([this.pen.x, this.pen.y]);
  }
}

// A box (x, y, width, height) of a picture of a size, on the paper that shows it whole.
function fit([width, height], [x, y, w, h]) {
  const scale = Math.min(SIDE / width, SIDE / height);
  return [(SIDE - width * scale) / 2 + x * scale, (SIDE - height * scale) / 2 + y * scale, w * scale, h * scale];
}

// A smooth line: it bends at the points and passes through the middles between them.
function curve(points) {
  const path = new Path2D();
  path.moveTo(...points[0]);
  for (let index = 1; index < points.length - 1; index++) {
    const [[x, y], [nextX, nextY]] = [points[index], points[index + 1]];
    path.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2);
  }
  path.lineTo(...points.at(-1));
  return path;
}
