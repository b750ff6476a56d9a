/**
 * Lets `<details data-menu>` close as a menu does: on Escape (focus goes back to its summary) and on a click elsewhere.
 * @param {Document} page
 */
export function closeMenus(page) {
  page.addEventListener("click", (event) => {
    for (const menu of openMenus(page)) {
      if (!menu.contains(/** @type {Node} */ (event.target))) menu.open = false;
    }
  });
  page.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of openMenus(page)) {
      menu.open = false;
      menu.querySelector("summary")?.focus();
    }
  });
}

/**
 * @param {Document} page
 * @returns {NodeListOf<HTMLDetailsElement>}
 */
function openMenus(page) {
  return page.querySelectorAll("details[data-menu][open]");
}
