/** How well everybody is connected, and what can be done about it. */

import { advice, troublesOf } from '../advice.js';
import { createWording, sizesOf, UNKNOWN } from '../figures.js';
import { filled, gettext } from '../i18n.js';
import { shownName } from '../naming.js';
import { make, required } from './dom.js';
import { qualityMark } from './tile.js';

/** @typedef {import('../state.js').RoomStore} RoomStore */
/** @typedef {import('../state.js').State} State */
/** @typedef {import('../state.js').Person} Person */
/** @typedef {import('../figures.js').Figures} Figures */
/** @typedef {import('../figures.js').Wording} Wording */

/**
 * Rows stand from the start, before any figure is known, so that nothing jumps when the first come.
 * @param {RoomStore} store
 * @param {{close: () => void, language: string, everybody: boolean}} duties everybody: others' rows as well
 */
export function showQuality(store, { close, language, everybody }) {
  const panel = required('quality-panel', HTMLElement);
  const list = required('quality-list', HTMLElement);
  const status = required('quality-status', HTMLElement);
  const shut = required('quality-close', HTMLButtonElement);
  const wording = createWording(language);
  /** @type {Map<string, Row>} */
  const rows = new Map();
  shut.addEventListener('click', close);
  panel.addEventListener('keydown', (event) => event.key === 'Escape' && close());

  store.subscribe((now, before) => {
    panel.hidden = now.panel !== 'quality';
    if (now.panel !== 'quality') return;
    const people = now.people.filter((person) => everybody || person.local);
    placeRows(list, rows, people);
    for (const person of people) rows.get(person.identity)?.update(person, now.measured.people.get(person.identity), wording);
    const words = summary(now.measured, people, wording);
    // The one line that is read out: it tells who is in trouble, not how much.
    if (status.textContent !== words) status.textContent = words;
    status.dataset.state = now.measured.state;
    if (before.panel === 'quality') return;
    required('quality-rows', HTMLElement).scrollTop = 0;
    shut.focus();
  });
}

/**
 * Keeps the elements of rows shown already: whoever reads one is not thrown out of it every few seconds.
 * @param {HTMLElement} list
 * @param {Map<string, Row>} rows
 * @param {readonly Person[]} people
 */
function placeRows(list, rows, people) {
  const wanted = new Set(people.map((person) => person.identity));
  for (const [identity, row] of rows) {
    if (wanted.has(identity)) continue;
    row.element.remove();
    rows.delete(identity);
  }
  people.forEach(({ identity }, place) => {
    const row = rows.get(identity) ?? createRow(identity);
    rows.set(identity, row);
    if (list.children[place] !== row.element) list.insertBefore(row.element, list.children[place] ?? null);
  });
}

/**
 * @param {State['measured']} measured
 * @param {readonly Person[]} people
 * @param {Wording} wording
 */
function summary({ state, people: figures, fault }, people, wording) {
  if (state === 'waiting') return gettext('Asking the media server…');
  if (state === 'failed') return fault;
  if (state === 'none') return gettext('There are no figures yet: they come a few seconds after joining.');
  const troubled = people.filter((person) => troublesOf(person, figures.get(person.identity)).length);
  if (troubled.length) return filled(gettext('In difficulty: %(names)s'), { names: wording.names(troubled.map(shownName)) });
  const alone = people.length === 1 && people[0]?.local;
  return alone ? gettext('You are well connected.') : gettext('Everybody is well connected.');
}

/** @param {string} identity */
function createRow(identity) {
  const title = make('h3', { class: 'person-name' });
  title.id = `connection-${identity}`;
  const grade = make('p', { class: 'connection-grade' });
  const words = make('ul', { class: 'connection-advice' });
  const { table, cells } = createTable(title.id);
  const element = make('li', { class: 'connection', data: { testid: 'connection', identity } }, [title, grade, words, table]);
  let graded = '';

  return {
    element,
    /** @param {Person} person @param {Figures | undefined} figures @param {Wording} wording */
    update(person, figures, wording) {
      const name = shownName(person);
      if (title.textContent !== name) title.textContent = name;
      if (graded !== person.quality) grade.replaceChildren(qualityMark(person.quality, true));
      graded = person.quality;
      const told = troublesOf(person, figures).map((trouble) => advice(trouble, person, figures, wording));
      fill(words, told, 'li');
      words.hidden = !told.length;
      cellTexts(figures, wording).forEach((texts, place) => fill(cells[place], texts, 'div'));
    },
  };
}

/** @typedef {ReturnType<typeof createRow>} Row */

/** Both directions side by side, and the way there and back under both. @param {string} title id of what names it */
function createTable(title) {
  const heads = [make('td'), headOf(gettext('Sends'), 'col'), headOf(gettext('Receives'), 'col')];
  const names = [gettext('Bitrate'), gettext('Lost packets'), gettext('Pictures')];
  const lines = names.map((name) => ({ head: headOf(name, 'row'), cells: [make('td'), make('td')] }));
  const both = make('td');
  both.colSpan = 2;
  lines.push({ head: headOf(gettext('There and back'), 'row'), cells: [both] });
  const body = lines.map(({ head, cells }) => make('tr', {}, [head, ...cells]));
  const table = make('table', { class: 'connection-table' }, [make('thead', {}, [make('tr', {}, heads)]), make('tbody', {}, body)]);
  table.setAttribute('aria-labelledby', title);
  return { table, cells: lines.flatMap((line) => line.cells) };
}

/**
 * @param {string} text
 * @param {'row' | 'col'} scope
 */
function headOf(text, scope) {
  const head = make('th', { text });
  head.scope = scope;
  return head;
}

/**
 * What stands in the table: lines of text, cell by cell.
 * @param {Figures | undefined} figures
 * @param {Wording} wording
 * @returns {string[][]}
 */
function cellTexts(figures, wording) {
  if (!figures) return Array.from({ length: 7 }, () => [UNKNOWN]);
  const { up, down, roundTrip, paused } = figures;
  const held = paused ? [filled(gettext('%(count)s paused'), { count: paused })] : [];
  return [
    [wording.bitrate(up.bitrate)],
    [wording.bitrate(down.bitrate)],
    [wording.share(up.loss)],
    [wording.share(down.loss)],
    orNone(sizesOf(up.pictures)),
    orNone([...sizesOf(down.pictures), ...held]),
    [wording.time(roundTrip)],
  ];
}

/** @param {string[]} lines */
function orNone(lines) {
  return lines.length ? lines : [gettext('none')];
}

/**
 * One child for each text; those that say it already stay.
 * @param {HTMLElement | undefined} parent
 * @param {string[]} texts
 * @param {'li' | 'div'} tag
 */
function fill(parent, texts, tag) {
  if (!parent || [...parent.children].map((child) => child.textContent).join('\n') === texts.join('\n')) return;
  parent.replaceChildren(...texts.map((text) => make(tag, { text })));
}
