/** Finding and making elements, typed. */

/**
 * The element of the page with this id. Throws when the template lacks it.
 * @template {Element} E
 * @param {string} id
 * @param {new () => E} type
 * @returns {E}
 */
export function required(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`The page lacks #${id} as ${type.name}.`);
  return found;
}

/**
 * The element of this id where the person's rights put one in the page.
 * @template {Element} E
 * @param {string} id
 * @param {new () => E} type
 * @returns {E | null}
 */
export function optional(id, type) {
  const found = document.getElementById(id);
  return found instanceof type ? found : null;
}

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {{class?: string, text?: string, data?: Record<string, string>}} [with_]
 * @param {Node[]} [children]
 * @returns {HTMLElementTagNameMap[T]}
 */
export function make(tag, with_ = {}, children = []) {
  const element = document.createElement(tag);
  if (with_.class) element.className = with_.class;
  if (with_.text !== undefined) element.textContent = with_.text;
  Object.assign(element.dataset, with_.data);
  element.append(...children);
  return element;
}

/**
 * A sign from the sprite in the page.
 * @param {string} name
 */
export function icon(name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('class', `icon icon-${name}`);
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  use.setAttribute('href', `#icon-${name}`);
  svg.append(use);
  return svg;
}

/**
 * Text for screen readers only.
 * @param {string} text
 */
export function unseen(text) {
  return make('span', { class: 'visually-hidden', text });
}
