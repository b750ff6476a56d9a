/** The tiles, placed anew whenever people come and go or the window changes. */

import { filled, ngettext } from '../i18n.js';
import { inCall } from '../state.js';
import { placeTiles } from '../tile_list.js';
import { required } from './dom.js';
import { createTile } from './tile.js';

/** @typedef {import('../state.js').RoomStore} RoomStore */
/** @typedef {import('./tile.js').TileView} TileView */

/** @param {RoomStore} store */
export function showStage(store) {
  const stage = required('tiles', HTMLUListElement);
  const more = required('more-people', HTMLElement);
  const alone = required('alone', HTMLElement);
  /** @type {Map<string, TileView>} */
  const views = new Map();

  const render = () => {
    const { people } = store.get();
    const { placed, hidden } = placeTiles(people, { width: stage.clientWidth, height: stage.clientHeight });
    const wanted = new Set(placed.map(({ tile }) => tile.key));
    for (const [key, view] of views) {
      if (wanted.has(key)) continue;
      view.remove();
      views.delete(key);
    }
    placed.forEach(({ tile, rect }, place) => {
      const view = views.get(tile.key) ?? createTile(tile);
      views.set(tile.key, view);
      view.update(tile, rect);
      // Moved only when the order changed: a moved video element would start anew.
      if (stage.children[place] !== view.element) stage.insertBefore(view.element, stage.children[place] ?? null);
    });
    more.hidden = hidden === 0;
    more.textContent = filled(ngettext('%(count)s more person', '%(count)s more people', hidden), { count: hidden });
    alone.hidden = people.length !== 1 || !inCall(store.get());
  };

  new ResizeObserver(render).observe(stage);
  store.subscribe((now, before) => {
    if (now.people !== before.people || now.phase !== before.phase) render();
  });
}
