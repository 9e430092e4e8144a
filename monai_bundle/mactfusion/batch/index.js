"use strict";
const fields = ["rank", "task", "verdict"].map((id) => document.getElementById(id));
const words = document.getElementById("words");
const cards = [...document.querySelectorAll("article")];

function filter() {
  const asked = words.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const card of cards) {
    const text = card.textContent.toLowerCase();
    const fits = fields.every((field) => !field.value || card.dataset[field.id] === field.value)
      && asked.every((word) => text.includes(word));
    card.hidden = !fits;
    shown += fits;
  }
  document.getElementById("shown").value = `${shown} of ${cards.length} shown`;
}

for (const field of [words, ...fields]) field.addEventListener("input", filter);
document.getElementById("filters").addEventListener("submit", (event) => event.preventDefault());
filter();
