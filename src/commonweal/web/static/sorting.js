// Sorts a table in place by the head of a column that is clicked. Without scripts the head is a link to the same table
// sorted by the server; so it stays for columns of time, whose words do not sort as their moments do.

export default function sorting(table) {
  table.tHead?.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    const head = link?.closest("th");
    if (!head?.dataset.kind || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const ascending = head.getAttribute("aria-sort") !== "ascending";
    sort(table, head.cellIndex, head.dataset.kind === "number", ascending);
    for (const other of table.tHead.querySelectorAll("[aria-sort]")) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    const address = new URL(link.href);
    const parameter = `sort-${table.dataset.figure}`;
    const key = address.searchParams.get(parameter).replace(/^-/, "");
    const shown = new URL(location.href);
    shown.searchParams.set(parameter, ascending ? key : `-${key}`);
    history.replaceState(history.state, "", shown);
    address.searchParams.set(parameter, ascending ? `-${key}` : key);
    link.href = address;
  });
}

function sort(table, column, isNumber, ascending) {
  const language = document.documentElement.lang;
  const decimal = new Intl.NumberFormat(language).format(1.1)[1];
  const number = (text) => Number(text.replace(new RegExp(`[^\\d${decimal}-]`, "g"), "").replace(decimal, "."));
  const compare = isNumber
    ? (one, other) => number(one) - number(other)
    : new Intl.Collator(language, { sensitivity: "base" }).compare;
  const text = (row) => row.cells[column].textContent.trim();
  const rows = [...table.tBodies[0].rows];
  const missing = (row) => text(row) === "–" || text(row) === "";
  const known = rows.filter((row) => !missing(row));
  known.sort((one, other) => (ascending ? 1 : -1) * compare(text(one), text(other)));
  table.tBodies[0].append(...known, ...rows.filter(missing));
}
