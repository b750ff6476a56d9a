/** Keyboard shortcuts. All with a modifier key, so that no single letter typed by accident does anything. */

/** @typedef {'microphone' | 'camera' | 'chat' | 'people' | 'quality' | 'help'} Command */

/** @type {Readonly<Record<string, Command>>} */
const WITH_CONTROL = { d: 'microphone', e: 'camera' };
/** By place on the keyboard: with Alt, macOS types another letter. @type {Readonly<Record<string, Command>>} */
const WITH_ALT_SHIFT = { KeyC: 'chat', KeyP: 'people', KeyN: 'quality', KeyH: 'help' };

/**
 * @param {Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey'>} event
 * @returns {Command | null}
 */
export function commandOf(event) {
  const control = event.ctrlKey !== event.metaKey;
  if (control && !event.altKey && !event.shiftKey) return WITH_CONTROL[event.key.toLowerCase()] ?? null;
  if (event.altKey && event.shiftKey && !event.ctrlKey && !event.metaKey) return WITH_ALT_SHIFT[event.code] ?? null;
  return null;
}
