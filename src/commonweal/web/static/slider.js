// The way through time: the slider says the hour it stands at and shows it at once; "play" goes through the hours.

const PAUSE = 1200;
let playing = false;

export default function slider(form) {
  const range = form.elements.at;
  const said = form.querySelector("output");
  if (range) {
    const names = [...form.querySelectorAll("datalist option")].map((option) => option.label);
    range.addEventListener("input", () => {
      said.textContent = names[range.value];
      range.setAttribute("aria-valuetext", names[range.value]);
    });
  }
  form.addEventListener("change", () => form.requestSubmit());
  // Whoever was quicker than this script is not left with an hour that is not shown.
  if (range && range.value !== range.defaultValue) form.requestSubmit();
  form.querySelector("button:not([type=button])").hidden = true;
  const button = form.querySelector("[data-play]");
  const next = form.closest("figure").querySelector("a[rel=next]");
  playing &&= Boolean(next);
  button.hidden = !next;
  const say = () => {
    button.textContent = playing ? button.dataset.pause : button.dataset.play;
  };
  const go = () => setTimeout(() => playing && next.isConnected && next.click(), PAUSE);
  button.addEventListener("click", () => {
    playing = !playing;
    say();
    if (playing) next.click();
  });
  say();
  if (playing) go();
}
