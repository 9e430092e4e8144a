// Zoom, place and window, one for all images of a case.

const CAPTION = 32;
const GAP = 6;
const MOST_ZOOM = 16;
const FULL = { level: 127.5, width: 255 };
const find = (id) => document.getElementById(id);
const view = { x: 0, y: 0, zoom: 1, ...FULL };

function applyView() {
  const { style } = find("images");
  style.setProperty("--x", `${100 * view.x}%`);
  style.setProperty("--y", `${100 * view.y}%`);
  style.setProperty("--zoom", view.zoom);
  const isFull = view.level === FULL.level && view.width === FULL.width;
  for (const part of document.querySelectorAll("#window feComponentTransfer > *")) {
    part.setAttribute("slope", 255 / view.width);
    part.setAttribute("intercept", 0.5 - view.level / view.width);
  }
  for (const image of document.querySelectorAll("#images img")) {
    image.style.filter = isFull ? "" : "url(#window)"; // without it every pixel is as stored
  }
  find("level").value = view.level;
  find("width").value = view.width;
}

const between = (low, value, high) => Math.min(high, Math.max(low, value));

/** Zoom so that the place under the pointer stays; x and y are shares of the view. */
function zoomBy(factor, x = 0.5, y = 0.5) {
  const zoom = between(1, view.zoom * factor, MOST_ZOOM);
  const grown = zoom / view.zoom;
  view.zoom = zoom;
  moveTo(x - (x - view.x) * grown, y - (y - view.y) * grown);
}

/** Move so that the image still fills the view. */
function moveTo(x, y) {
  view.x = between(1 - view.zoom, x, 0);
  view.y = between(1 - view.zoom, y, 0);
  applyView();
}

function setWindow(level, width) {
  view.level = between(0, level, 255);
  view.width = between(1, width, 510);
  applyView();
}

function resetView() {
  Object.assign(view, { x: 0, y: 0, zoom: 1, ...FULL });
  applyView();
}

function drag(event) {
  const box = event.currentTarget;
  if (!box.hasPointerCapture(event.pointerId)) return;
  if (box.dataset.does === "window") {
    setWindow(view.level - event.movementY / 2, view.width + event.movementX);
  } else {
    moveTo(view.x + event.movementX / box.clientWidth, view.y + event.movementY / box.clientHeight);
  }
}

/** Let a view be moved, zoomed and windowed, with all others. */
function listenToView(box) {
  box.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    box.dataset.does = event.button === 2 || event.shiftKey ? "window" : "move";
    box.setPointerCapture(event.pointerId);
  });
  box.addEventListener("pointermove", drag);
  box.addEventListener("contextmenu", (event) => event.preventDefault());
  box.addEventListener("dblclick", resetView);
  box.addEventListener("wheel", (event) => {
    event.preventDefault();
    const place = box.getBoundingClientRect();
    zoomBy(
      Math.exp(-between(-200, event.deltaY, 200) / 400),
      (event.clientX - place.left) / place.width,
      (event.clientY - place.top) / place.height,
    );
  }, { passive: false });
}

/**
 * The arrangement with the largest images, all of one size: both sources below each other in the
 * first column, or, in a single row, before the others.
 */
function bestGrid(images, aspect, width, height) {
  let best = { size: 0 };
  for (let rows = 1; rows <= images; rows += 1) {
    const columns = Math.ceil(images / rows) + (rows > 1 ? 1 : 2);
    const size = Math.min(
      (width - GAP * (columns - 1)) / columns,
      ((height - GAP * (rows - 1)) / rows - CAPTION) * aspect,
    );
    if (size > best.size) best = { size, rows, columns };
  }
  return best;
}

/** Lay the images of a case out in the room that there is. */
function arrange(aspect) {
  const section = find("images");
  const figures = [...section.children];
  const { clientWidth, clientHeight } = section;
  const { size, rows, columns } = bestGrid(
    figures.length - 2, aspect, Math.max(280, clientWidth), Math.max(320, clientHeight),
  );
  section.style.gridTemplateColumns = `repeat(${columns}, ${size}px)`;
  figures.forEach((figure, at) => {
    const first = rows > 1 ? 1 : 2;
    const place = at - 2;
    figure.style.gridColumn = at < 2 ? (rows > 1 ? 1 : at + 1) : first + 1 + place % (columns - first);
    figure.style.gridRow = at < 2 ? (rows > 1 ? at + 1 : 1) : 1 + Math.floor(place / (columns - first));
    figure.firstChild.style.aspectRatio = aspect;
  });
}
