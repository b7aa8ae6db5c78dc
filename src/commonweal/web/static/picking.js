// The part of a form that says a place: the list of areas is searched while somebody types, and the map is loaded when
// they ask for it. What stands in the fields is the place; the map only reads and writes them.

export default function picking(part) {
  const words = JSON.parse(part.dataset.words);
  searching(part, words);
  const button = part.querySelector("[data-draw]");
  if (!button) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const drawing = part.querySelector("[data-drawing]");
    const said = drawing.querySelector("[data-said]");
    drawing.hidden = false;
    button.hidden = true;
    said.textContent = words.loading;
    try {
      const { default: draw } = await import("drawing.js");
      await draw(part, drawing, words);
      drawing.querySelector("[data-map]").focus();
    } catch {
      drawing.querySelector("[data-map]").hidden = true;
      said.textContent = words.failed;
    }
  });
}

function searching(part, words) {
  const field = part.querySelector("[name=find]");
  const found = part.querySelector("[data-found]");
  part.querySelector("[name=search]").hidden = true;
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault();
  });
  field.addEventListener("input", () => {
    const wanted = plain(field.value);
    let listed = 0;
    for (const group of part.querySelectorAll(".choices > div")) {
      const choices = [...group.querySelectorAll("li")];
      for (const choice of choices) {
        choice.hidden = !(plain(choice.textContent).includes(wanted) || choice.querySelector("input").checked);
        listed += !choice.hidden;
      }
      group.hidden = choices.every((choice) => choice.hidden);
    }
    found.textContent = words.found.replace("{number}", new Intl.NumberFormat(document.documentElement.lang).format(listed));
  });
}

/** Give a name as it is searched: without case and accents. */
function plain(name) {
  return name.trim().toLowerCase().normalize("NFKD").replace(/\p{M}/gu, "");
}
