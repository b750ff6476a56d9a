/**
 * Makes `<button data-copy="text" data-copied="words to say">` work, and shows it: without script it stays hidden.
 * @param {Document} page
 * @param {{writeText(text: string): Promise<void>} | undefined} clipboard absent outside HTTPS and localhost
 */
export function offerCopies(page, clipboard) {
  if (!clipboard) return;
  for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (page.querySelectorAll("button[data-copy]"))) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      await clipboard.writeText(button.dataset.copy ?? "");
      confirm(button);
    });
  }
}

/** @param {HTMLButtonElement} button */
function confirm(button) {
  const said = button.dataset.copied ?? "";
  const status = button.parentElement?.querySelector("[data-copy-status]");
  if (status) status.textContent = said;
  const before = button.textContent;
  if (before === said) return;
  button.textContent = said;
  setTimeout(() => (button.textContent = before), 2500);
}
