/** Why a call ended, in the words the page uses. Pure. */

/** @typedef {'left' | 'elsewhere' | 'removed' | 'over' | 'unreachable' | 'refused' | 'lost'} Ending */

/**
 * LiveKit's `DisconnectReason` by number (livekit_models.proto); what is not here counts as a lost connection.
 * @type {Readonly<Record<number, Ending>>}
 */
const BY_REASON = { 1: 'left', 2: 'elsewhere', 4: 'removed', 5: 'over', 7: 'unreachable', 10: 'over' };

/**
 * @param {number | undefined} reason
 * @returns {Ending}
 */
export function endingOf(reason) {
  return (reason !== undefined && BY_REASON[reason]) || 'lost';
}

/**
 * LiveKit's `ConnectionErrorReason`: 0 is "not allowed"; all others mean that no connection came about.
 * @param {unknown} error what `Room.connect` threw
 * @returns {Ending}
 */
export function endingOfError(error) {
  const reason = /** @type {{reason?: unknown}} */ (error ?? {}).reason;
  return reason === 0 ? 'refused' : 'unreachable';
}
