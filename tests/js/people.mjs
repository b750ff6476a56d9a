/** A person for tests. */
export function person(identity, more = {}) {
  return {
    identity, name: identity.toUpperCase(), local: false, microphone: true, speaking: false, quality: 'good',
    camera: null, screen: null, sounds: [], joinedAt: 0, spokeAt: 0, ...more,
  };
}
