/** Inviting colleagues, copying the link, saying who may come in. For those who may. */

import { gettext } from '../i18n.js';
import { make, optional, required } from './dom.js';

/** @typedef {import('../inviting.js').Inviting} Inviting */
/** @typedef {import('../portal.js').Colleague} Colleague */

/** @param {Inviting} inviting */
export function showInvite(inviting) {
  const dialog = optional('invite-dialog', HTMLDialogElement);
  if (!dialog) return;
  for (const id of ['control-invite', 'alone-invite']) {
    optional(id, HTMLButtonElement)?.addEventListener('click', async () => {
      dialog.showModal();
      listColleagues(await inviting.colleagues(), inviting.invite);
    });
  }
  required('invite-search', HTMLInputElement).addEventListener('input', filter);
  offerLink();
  hearAccess(inviting.open);
}

/**
 * @param {Colleague[] | null} colleagues
 * @param {Inviting['invite']} invite
 */
function listColleagues(colleagues, invite) {
  const list = required('colleagues', HTMLElement);
  list.replaceChildren(...(colleagues ?? []).map((colleague) => row(colleague, invite)));
  required('no-colleagues', HTMLElement).hidden = (colleagues ?? []).length > 0;
  filter();
}

/**
 * @param {Colleague} colleague
 * @param {Inviting['invite']} invite
 */
function row(colleague, invite) {
  const button = make('button', { text: gettext('Invite') });
  button.type = 'button';
  button.setAttribute('aria-label', `${gettext('Invite')}: ${colleague.name}`);
  const mark = make('span', { class: 'invited', text: gettext('Invited') });
  mark.tabIndex = -1;
  button.addEventListener('click', async () => {
    button.disabled = true;
    if (!(await invite(colleague))) return (button.disabled = false);
    button.replaceWith(mark);
    // The button goes, and the focus with it: whoever uses the keyboard stays in this row and hears the word.
    mark.focus({ preventScroll: true });
  });
  const address = make('small', {}, breakable(colleague.email));
  const who = make('span', { class: 'colleague' }, [make('strong', { text: colleague.name }), address]);
  const item = make('li', { data: { words: `${colleague.name} ${colleague.email}`.toLowerCase() } }, [who, button]);
  if (colleague.invited) button.replaceWith(mark);
  return item;
}

/** An address that breaks before its "@" where a line is too short for it. @param {string} email */
function breakable(email) {
  const [name = '', ...rest] = email.split('@');
  return [document.createTextNode(name), make('wbr'), document.createTextNode(rest.map((part) => `@${part}`).join(''))];
}

function filter() {
  const sought = required('invite-search', HTMLInputElement).value.trim().toLowerCase();
  for (const item of required('colleagues', HTMLElement).children) {
    if (item instanceof HTMLElement) item.hidden = !(item.dataset.words ?? '').includes(sought);
  }
}

function offerLink() {
  const link = required('meeting-link', HTMLInputElement);
  const copied = required('link-copied', HTMLElement);
  link.value = `${location.origin}${location.pathname}`;
  required('copy-link', HTMLButtonElement).addEventListener('click', async () => {
    link.select();
    // Without HTTPS there is no clipboard for scripts; the text is selected, and the keyboard still copies it.
    const done = await navigator.clipboard?.writeText(link.value).then(() => true, () => false);
    copied.textContent = done ? gettext('The link is copied.') : gettext('The link is selected: copy it with Ctrl+C or ⌘+C.');
  });
}

/** @param {Inviting['open']} open */
function hearAccess(open) {
  const choices = /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll('#invite-dialog input[name=access]'));
  for (const choice of choices) {
    choice.addEventListener('change', async () => {
      const kept = await open(choice.value === 'link' ? 'link' : 'invited');
      for (const other of choices) other.checked = kept ? other.value === kept.access : other.defaultChecked;
      if (kept) for (const other of choices) other.defaultChecked = other.checked;
    });
  }
}
