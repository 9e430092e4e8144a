// What the sources hold under the cross-hair: place, luminance, values in their own units.

/** Codes of values by source; the highest code is a voxel without a value. */
const codes = {};
const OUTSIDE = 65535;

/** Differences from voxel to voxel, modulo 2**16, high bytes before low bytes, to codes. */
function summed(bytes) {
  const count = bytes.length / 2;
  const sums = new Uint16Array(count);
  for (let at = 0, sum = 0; at < count; at += 1) {
    sum += 256 * bytes[at] + bytes[count + at];
    sums[at] = sum;
  }
  return sums;
}

const place = () => index.reduce((sum, value, axis) => sum + value * stride[axis], 0);

function luminance(id) {
  const at = place();
  const voxel = (channel) => volumes[id][at + channel * channelStride] / 255;
  return scene.channels[id] === 1
    ? voxel(0) : 0.299 * voxel(0) + 0.587 * voxel(1) + 0.114 * voxel(2);
}

function valueText(id) {
  if (codes[id] === undefined) return "";
  const code = codes[id][place()];
  if (code === OUTSIDE) return "outside";
  const { step, lowest, decimals, units } = scene.values[id];
  return `${number((code + lowest) * step, decimals)} ${units}`;
}

/** A share of 255 in per cent; what is not nothing is not called 0 %, nor nearly all 100 %. */
function percent(share) {
  const number = share / 2.55;
  if (number > 0 && number < 1) return "less than 1 %";
  if (number > 99 && number < 100) return "more than 99 %";
  return `${Math.round(number)} %`;
}

/** Per cent of a source in the fused voxel; nothing where none can be told. */
function shareText(id) {
  const source = scene.shares.indexOf(id);
  if (source < 0) return "";
  const shares = scene.shares.map((_, at) => volumes.shares[place() + at * channelStride]);
  return shares.some((share) => share > 0) ? percent(shares[source]) : "\u2013";
}

/** A number with a true minus sign, and no minus before zero. */
function number(value, decimals) {
  return value.toFixed(decimals).replace(/^-(?=[0.]*$)/, "").replace("-", "\u2212");
}

function showPosition() {
  const world = scene.affine.slice(0, 3).map(
    (row) => row[0] * index[0] + row[1] * index[1] + row[2] * index[2] + row[3],
  );
  if (scene.picture) {
    find("position").textContent = world.slice(0, 2).map((value) => value.toFixed(0)).join(", ");
  } else {
    find("position").textContent = world.map((value) => number(value, 1)).join(", ");
    const sides = [["left", "right"], ["posterior", "anterior"], ["inferior", "superior"]];
    find("directions").textContent = world.map(
      (value, axis) => `${Math.abs(value).toFixed(1)} ${sides[axis][value < 0 ? 0 : 1]}`,
    ).join(" · ");
  }
  for (const output of all("[data-luminance]")) {
    output.textContent = luminance(output.dataset.luminance).toFixed(2);
  }
  for (const output of all("[data-value]")) {
    output.textContent = valueText(output.dataset.value);
  }
  for (const output of all("[data-share]")) output.textContent = shareText(output.dataset.share);
  for (const input of all("[data-through]")) input.value = index[input.dataset.through];
  for (const output of all("[data-slice]")) {
    const axis = output.dataset.slice;
    output.textContent = `${index[axis] + 1} / ${scene.shape[axis]}`;
  }
}

