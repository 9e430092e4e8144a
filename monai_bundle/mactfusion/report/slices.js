"use strict";
// Draws slices of the volumes that the page carries. Volumes are in LPS order, first index fastest,
// one channel after the other; scene.affine takes an index to RAS millimetres.

const scene = JSON.parse(document.getElementById("scene").textContent);
const stride = [1, scene.shape[0], scene.shape[0] * scene.shape[1]];
const channelStride = stride[2] * scene.shape[2];
const index = [...scene.start];
const volumes = {};
const scratch = document.createElement("canvas");
const find = (id) => document.getElementById(id);
const all = (selector) => [...document.querySelectorAll(selector)];
const extent = (axis) => scene.shape[axis] * scene.spacing[axis];
/** Room for the letters around a plane, in the units of its extent. */
const margin = (scene.picture ? 0.01 : 0.07)
  * Math.max(...scene.planes.flatMap((plane) => [extent(plane.across), extent(plane.down)]));

async function inflate(id) {
  const text = atob(find(id).textContent);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Red, green and blue of the anatomical volume and of each partner, where shares are shown. */
const SHARE_COLORS = [[50, 130, 255], [255, 140, 20], [60, 220, 100], [240, 80, 220]];
const shareColor = (source) => SHARE_COLORS[source % SHARE_COLORS.length];
const showsShares = () => scene.shares.length > 0 && find("show-shares").checked;

/** A fused voxel as bright as it is, in the colours of its sources. By the squares of their shares:
    equal ones are grey, and small differences show. */
function paintShares(pixels, to, from) {
  const bright = 0.299 * pixels[to] + 0.587 * pixels[to + 1] + 0.114 * pixels[to + 2];
  const mixed = [0, 0, 0];
  let total = 0;
  for (let source = 0; source < scene.shares.length; source += 1) {
    const square = volumes.shares[from + source * channelStride] ** 2;
    total += square;
    for (let part = 0; part < 3; part += 1) mixed[part] += square * shareColor(source)[part];
  }
  for (let part = 0; part < 3; part += 1) {
    pixels[to + part] = total > 0 ? bright * mixed[part] / (255 * total) : bright;
  }
}

/** The slice through the current index as RGBA, rows from the top of the screen down. */
function slicePixels(id, plane) {
  const isPainted = id === "fused" && showsShares();
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
      if (isPainted) paintShares(pixels, to, from);
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

/** Where the slice lies on its canvas, in device pixels. */
function frame(canvas, plane) {
  const scale = canvas.width / (extent(plane.across) + 2 * margin);
  return {
    left: scale * margin,
    top: scale * margin,
    width: scale * extent(plane.across),
    height: scale * extent(plane.down),
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

function drawCanvas(canvas, row, pixelRatio) {
  const plane = scene.planes[canvas.dataset.plane];
  canvas.width = Math.round(canvas.clientWidth * pixelRatio);
  canvas.height = Math.round(canvas.clientHeight * pixelRatio);
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
