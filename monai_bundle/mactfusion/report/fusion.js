"use strict";
// Draws linked slices of the volumes that the page carries. Volumes are in LPS order, first index
// fastest, one channel after the other; scene.affine takes an index to RAS millimetres.

const scene = JSON.parse(document.getElementById("scene").textContent);
const stride = [1, scene.shape[0], scene.shape[0] * scene.shape[1]];
const channelStride = stride[2] * scene.shape[2];
const index = scene.shape.map((size) => Math.floor(size / 2));
const volumes = {};
const scratch = document.createElement("canvas");
const find = (id) => document.getElementById(id);
const all = (selector) => [...document.querySelectorAll(selector)];

async function inflate(id) {
  const text = atob(find(`voxels-${id}`).textContent);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** The slice through the current index as RGBA, rows from the top of the screen down. */
function slicePixels(id, plane) {
  const voxels = volumes[id];
  const [green, blue] = scene.channels[id] === 3 ? [channelStride, 2 * channelStride] : [0, 0];
  const width = scene.shape[plane.across];
  const height = scene.shape[plane.down];
  const pixels = new Uint8ClampedArray(4 * width * height);
  for (let y = 0, to = 0; y < height; y += 1) {
    let from = index[plane.through] * stride[plane.through]
      + (plane.flip ? height - 1 - y : y) * stride[plane.down];
    for (let x = 0; x < width; x += 1, to += 4, from += stride[plane.across]) {
      pixels[to] = voxels[from];
      pixels[to + 1] = voxels[from + green];
      pixels[to + 2] = voxels[from + blue];
      pixels[to + 3] = 255;
    }
  }
  return pixels;
}

/** Anatomical and fused are mixed; the partner is laid over with its brightness as opacity. */
function blendPixels(plane) {
  const mode = find("blend-mode").value;
  const share = find("blend-share").value / 100;
  const below = slicePixels("anatomical", plane);
  const above = slicePixels(mode, plane);
  for (let at = 0; at < below.length; at += 4) {
    const opacity = mode === "fused"
      ? share
      : share * Math.max(above[at], above[at + 1], above[at + 2]) / 255;
    for (let channel = at; channel < at + 3; channel += 1) {
      below[channel] = (1 - opacity) * below[channel] + share * above[channel];
    }
  }
  return below;
}

/** Where the slice lies on its canvas, in device pixels; one scale for all planes. */
function frame(canvas, plane) {
  // Room for the letters at the edges.
  const margin = (scene.picture ? 2 : 18) * window.devicePixelRatio;
  const extent = (axis) => scene.shape[axis] * scene.spacing[axis];
  const scale = Math.min(...scene.planes.map((other) => Math.min(
    (canvas.width - 2 * margin) / extent(other.across),
    (canvas.height - 2 * margin) / extent(other.down),
  )));
  const width = scale * extent(plane.across);
  const height = scale * extent(plane.down);
  return {
    left: (canvas.width - width) / 2, top: (canvas.height - height) / 2, width, height,
  };
}

function drawCrossHair(context, plane, box) {
  const position = (axis) => (index[axis] + 0.5) / scene.shape[axis];
  const x = box.left + box.width * position(plane.across);
  const down = position(plane.down);
  const y = box.top + box.height * (plane.flip ? 1 - down : down);
  const gap = 7 * window.devicePixelRatio;
  context.strokeStyle = "rgba(242, 193, 78, 0.75)";
  context.lineWidth = Math.max(1, window.devicePixelRatio);
  context.beginPath();
  for (const side of [-1, 1]) {
    context.moveTo(x + side * gap, y);
    context.lineTo(side < 0 ? box.left : box.left + box.width, y);
    context.moveTo(x, y + side * gap);
    context.lineTo(x, side < 0 ? box.top : box.top + box.height);
  }
  context.stroke();
}

function drawCanvas(canvas, row) {
  const plane = scene.planes[canvas.dataset.plane];
  canvas.width = Math.round(canvas.clientWidth * window.devicePixelRatio);
  canvas.height = Math.round(canvas.clientHeight * window.devicePixelRatio);
  const pixels = row === "blend" ? blendPixels(plane) : slicePixels(row, plane);
  scratch.width = scene.shape[plane.across];
  scratch.height = scene.shape[plane.down];
  scratch.getContext("2d").putImageData(
    new ImageData(pixels, scratch.width, scratch.height), 0, 0,
  );
  const box = frame(canvas, plane);
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(scratch, box.left, box.top, box.width, box.height);
  if (find("cross-hair").checked) drawCrossHair(context, plane, box);
}

function luminance(id) {
  const at = index.reduce((sum, value, axis) => sum + value * stride[axis], 0);
  const voxel = (channel) => volumes[id][at + channel * channelStride] / 255;
  return scene.channels[id] === 1
    ? voxel(0) : 0.299 * voxel(0) + 0.587 * voxel(1) + 0.114 * voxel(2);
}

function showPosition() {
  const world = scene.affine.slice(0, 3).map(
    (row) => row[0] * index[0] + row[1] * index[1] + row[2] * index[2] + row[3],
  );
  const number = (value) => value.toFixed(1).replace(/^-0\.0$/, "0.0").replace("-", "\u2212");
  if (scene.picture) {
    find("position").textContent = world.slice(0, 2).map((value) => value.toFixed(0)).join(", ");
  } else {
    find("position").textContent = world.map(number).join(", ");
    const sides = [["left", "right"], ["posterior", "anterior"], ["inferior", "superior"]];
    find("directions").textContent = world.map(
      (value, axis) => `${Math.abs(value).toFixed(1)} ${sides[axis][value < 0 ? 0 : 1]}`,
    ).join(" · ");
  }
  for (const output of all("[data-luminance]")) {
    output.textContent = luminance(output.dataset.luminance).toFixed(2);
  }
  for (const input of all("[data-through]")) input.value = index[input.dataset.through];
  for (const output of all("[data-slice]")) {
    const axis = output.dataset.slice;
    output.textContent = `${index[axis] + 1} / ${scene.shape[axis]}`;
  }
}

function draw() {
  showPosition();
  find("blend-text").textContent = `${find("blend-share").value} %`;
  for (const row of all(".row")) {
    row.hidden = !document.querySelector(`[name=show][value=${row.dataset.row}]`).checked;
  }
  for (const row of all(".row:not([hidden])")) {
    for (const canvas of row.querySelectorAll("canvas")) drawCanvas(canvas, row.dataset.row);
  }
}

let waiting = false;
function drawSoon() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; draw(); });
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
  new ResizeObserver(drawSoon).observe(document.querySelector(".views"));
  window.addEventListener("beforeprint", draw);
  window.addEventListener("afterprint", drawSoon);
}

async function start() {
  try {
    for (const id of Object.keys(scene.channels)) volumes[id] = await inflate(id);
  } catch (error) {
    find("problem").hidden = false;
    find("problem").textContent = "The volumes on this page cannot be unpacked "
      + `(${error.message}): open it in a browser from 2023 or later.`;
    return;
  }
  listen();
  draw();
}

start();
