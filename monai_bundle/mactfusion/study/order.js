"use strict";
// The order that a reader sees: drawn from the seed and the reader's code, the same each time.

/** A 32-bit hash of a text: FNV-1a over its characters, then the finish of MurmurHash3. */
function hashOf(text) {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Draws whole numbers below a limit, none more likely than another: xorshift32 with a star. */
function drawer(text) {
  let state = hashOf(text) || 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return Math.imul(state, 0x9e3779b1) >>> 0;
  };
  for (let turn = 0; turn < 8; turn += 1) next();
  return (limit) => {
    const most = 2 ** 32 - (2 ** 32 % limit);
    let drawn = next();
    while (drawn >= most) drawn = next();
    return drawn % limit;
  };
}

/** The items in an order of their own for each text (Fisher and Yates). */
function shuffled(items, text) {
  const draw = drawer(text);
  const order = [...items];
  for (let at = order.length - 1; at > 0; at -= 1) {
    const other = draw(at + 1);
    [order[at], order[other]] = [order[other], order[at]];
  }
  return order;
}
