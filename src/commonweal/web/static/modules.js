// Modules that elements ask for: <figure data-module="chart"> is given to what chart.js exports by default.

const given = new WeakSet();

/**
 * Give each element that asks for a module to it, once; a module is fetched when the first element asks.
 *
 * @param {Element} root Where to look: the page, or what came into it later.
 * @param {Object<string, () => Promise<{default: (element: Element) => void}>>} modules What may be asked for, by name.
 */
export function attach(root, modules) {
  const asking = [...root.querySelectorAll("[data-module]")];
  if (root.matches("[data-module]")) asking.unshift(root);
  for (const element of asking) {
    if (!given.has(element)) {
      given.add(element);
      give(element, modules);
    }
  }
}

async function give(element, modules) {
  const name = element.dataset.module;
  if (!Object.hasOwn(modules, name)) throw new Error(`there is no module ${name}`);
  const module = await modules[name]();
  await module.default(element);
}
