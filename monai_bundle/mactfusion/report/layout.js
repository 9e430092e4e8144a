// Shares the room for pictures out among sources and planes.

const GAP = 6;
const CAPTION = 24;
const A4 = { width: 700, height: 850 };

const padded = (axis) => extent(axis) + 2 * margin;
const across = scene.planes.map((plane) => padded(plane.across));
const down = scene.planes.map((plane) => padded(plane.down));
const sum = (sizes) => sizes.reduce((total, size) => total + size, 0);

/**
 * The arrangement with the largest scale, one scale for all planes. The planes of a source lie side
 * by side or one below the other, and the sources fill rows of some columns; so a slab of few
 * slices has its thin planes below its broad one, and a narrow page its sources below each other.
 */
function bestArrangement(sources, width, height) {
  let best = { scale: 0 };
  for (const stacked of [false, true]) {
    const blockWidth = stacked ? Math.max(...across) : sum(across);
    const blockHeight = stacked ? sum(down) : Math.max(...down);
    const [beside, below] = stacked ? [0, across.length - 1] : [across.length - 1, 0];
    for (let columns = 1; columns <= sources; columns += 1) {
      const rows = Math.ceil(sources / columns);
      const gapsAcross = GAP * (columns * (beside + 1) - 1);
      const gapsDown = rows * (CAPTION + GAP * (below + 1));
      const scale = Math.min(
        (width - gapsAcross) / (columns * blockWidth),
        (height - gapsDown) / (rows * blockHeight),
      );
      const share = Math.min(1, (scale * columns * blockWidth + gapsAcross) / width);
      if (scale > best.scale) best = { scale, stacked, columns, share };
    }
  }
  return best;
}

/** Lay the shown sources out in a room of this size, in CSS pixels. */
function arrange({ width, height }) {
  const views = document.querySelector(".views");
  const sources = all(".row:not([hidden])").length;
  const { stacked, columns, share } = bestArrangement(Math.max(1, sources), width, height);
  views.classList.toggle("stacked", stacked);
  views.style.setProperty("--columns", columns);
  views.style.width = `${100 * share}%`;
}

/** The room that the window leaves; a narrow page may be scrolled. */
function room() {
  const section = document.querySelector(".slices");
  const top = document.querySelector(".views").getBoundingClientRect().top + window.scrollY;
  const isNarrow = window.matchMedia("(max-width: 860px)").matches;
  const height = isNarrow
    ? 1.6 * window.innerHeight
    : window.innerHeight - top - find("help").offsetHeight - 12;
  return { width: section.clientWidth, height: Math.max(460, height) };
}

/** Give each cell the proportions of its plane, and a scale bar its length in it. */
function shapeCells() {
  for (const canvas of all("canvas")) {
    const plane = Number(canvas.dataset.plane);
    const { style } = canvas.parentElement;
    style.setProperty("--across", across[plane]);
    style.setProperty("--share", across[plane] / Math.max(...across));
    style.setProperty("--bar", scene.bar_mm / across[plane]);
    style.aspectRatio = `${across[plane]} / ${down[plane]}`;
  }
}
