// Joins the controls of the page to the slices.

const PAPER_PIXEL_RATIO = 3;

function draw(space, pixelRatio) {
  showPosition();
  find("blend-text").textContent = `${find("blend-share").value} %`;
  for (const row of all(".row")) {
    row.hidden = !document.querySelector(`[name=show][value=${row.dataset.row}]`).checked;
  }
  arrange(space);
  for (const row of all(".row:not([hidden])")) {
    for (const canvas of row.querySelectorAll("canvas")) {
      drawCanvas(canvas, row.dataset.row, pixelRatio);
    }
  }
}

let waiting = false;
function drawSoon() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; draw(room(), window.devicePixelRatio); });
}

function moveTo(axis, value) {
  index[axis] = Math.min(scene.shape[axis] - 1, Math.max(0, Math.round(value)));
  drawSoon();
}

function point(event) {
  const canvas = event.currentTarget;
  const plane = scene.planes[canvas.dataset.plane];
  const box = frame(canvas, plane);
  const place = canvas.getBoundingClientRect();
  const x = ((event.clientX - place.left) * canvas.width / place.width - box.left) / box.width;
  const y = ((event.clientY - place.top) * canvas.height / place.height - box.top) / box.height;
  moveTo(plane.across, x * scene.shape[plane.across] - 0.5);
  moveTo(plane.down, (plane.flip ? 1 - y : y) * scene.shape[plane.down] - 0.5);
}

let turned = 0;
function scroll(event) {
  if (event.ctrlKey) return;
  event.preventDefault();
  const axis = scene.planes[event.currentTarget.dataset.plane].through;
  // One notch is 100 pixels or 3 lines; a touch pad sends many small turns that add up.
  turned -= event.deltaMode === WheelEvent.DOM_DELTA_LINE ? event.deltaY * 34 : event.deltaY;
  const steps = Math.trunc(turned / 100);
  turned -= 100 * steps;
  if (steps !== 0) moveTo(axis, index[axis] + steps);
}

function press(event) {
  const plane = scene.planes[event.currentTarget.dataset.plane];
  const upwards = plane.flip ? 1 : -1;
  const move = event.shiftKey ? {
    ArrowLeft: [plane.across, -1], ArrowRight: [plane.across, 1],
    ArrowUp: [plane.down, upwards], ArrowDown: [plane.down, -upwards],
  }[event.key] : {
    ArrowUp: [plane.through, 1], ArrowRight: [plane.through, 1], PageUp: [plane.through, 10],
    ArrowDown: [plane.through, -1], ArrowLeft: [plane.through, -1], PageDown: [plane.through, -10],
  }[event.key];
  if (move === undefined) return;
  event.preventDefault();
  moveTo(move[0], index[move[0]] + move[1]);
}

function listen() {
  for (const canvas of all("canvas")) {
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      point(event);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (canvas.hasPointerCapture(event.pointerId)) point(event);
    });
    canvas.addEventListener("wheel", scroll, { passive: false });
    canvas.addEventListener("keydown", press);
  }
  for (const button of all("[data-at]")) {
    button.addEventListener("click", () => {
      button.dataset.at.split(",").forEach((value, axis) => moveTo(axis, Number(value)));
    });
  }
  for (const input of all("[data-through]")) {
    input.addEventListener("input", () => moveTo(input.dataset.through, Number(input.value)));
  }
  for (const input of [find("blend-share"), find("blend-mode")]) {
    input.addEventListener("input", () => {
      document.querySelector("[name=show][value=blend]").checked = true;
      drawSoon();
    });
  }
  for (const box of all("input[type=checkbox]")) box.addEventListener("change", drawSoon);
  new ResizeObserver(drawSoon).observe(document.querySelector(".slices"));
  window.addEventListener("resize", drawSoon);
  // Paper is finer than screens, and has a size of its own.
  window.addEventListener("beforeprint", () => draw(A4, PAPER_PIXEL_RATIO));
  window.addEventListener("afterprint", drawSoon);
}

async function start() {
  try {
    for (const id of Object.keys(scene.channels)) volumes[id] = await inflate(`voxels-${id}`);
    for (const id of Object.keys(scene.values)) codes[id] = summed(await inflate(`values-${id}`));
  } catch (error) {
    find("problem").hidden = false;
    find("problem").textContent = "The volumes on this page cannot be unpacked "
      + `(${error.message}): open it in a browser from 2023 or later.`;
    return;
  }
  shapeCells();
  listen();
  draw(room(), window.devicePixelRatio);
}

start();
