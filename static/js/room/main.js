/** The room page: parts made and joined. Data flows from socket to state to view; views call duties back. */

import { announce } from './announcer.js';
import { readConfig, readCsrfToken } from './config.js';
import { createConnection } from './connection.js';
import { createDevices } from './devices.js';
import { createInviting } from './inviting.js';
import { recall } from './memory.js';
import { createPortal } from './portal.js';
import { watchQuality } from './quality_watch.js';
import { createRecording } from './recording.js';
import { createSession } from './session.js';
import { initialState, inCall, me, withNotice } from './state.js';
import { createStore } from './store.js';
import { showChat } from './views/chat_panel.js';
import { showControls } from './views/controls.js';
import { showEnding } from './views/ending_view.js';
import { showFrame } from './views/frame.js';
import { showInvite } from './views/invite_dialog.js';
import { showNotices } from './views/notices.js';
import { showPeople } from './views/people_panel.js';
import { showPrejoin } from './views/prejoin.js';
import { showQuality } from './views/quality_panel.js';
import { showRecording } from './views/recording_view.js';
import { showSettings } from './views/settings_dialog.js';
import { playSounds } from './views/sound.js';
import { showStage } from './views/stage.js';

const config = readConfig();
const language = document.documentElement.lang || 'fr';
const store = createStore(initialState(config, recall(localStorage)));
const portal = createPortal(config.urls, readCsrfToken());
const recording = createRecording({ store, portal });
const connection = createConnection(store, {
  topics: config.topics,
  recordingChanged: recording.changed,
  recordingCutShort: recording.cutShort,
});
const devices = createDevices(store);
const session = createSession({ store, portal, connection, devices, recording });
const inviting = createInviting({ store, portal });
watchQuality({ store, portal });

/** @param {import('./state.js').Panel} panel */
function togglePanel(panel) {
  if (store.get().panel === panel) return closePanel();
  store.update({ panel, unread: panel === 'chat' ? 0 : store.get().unread });
}

/** The focus goes back to the button that opened the panel; on a narrow screen it may be put away by now. */
function closePanel() {
  const { panel } = store.get();
  store.update({ panel: null });
  const opener = [`control-${panel}`, 'control-more'].map((id) => document.getElementById(id));
  opener.find((button) => button?.checkVisibility())?.focus();
}

/** @param {import('./state.js').Source} source */
function toggle(source) {
  const self = me(store.get());
  void connection.turn(source, !(source === 'camera' ? self?.camera : self?.microphone));
}

/**
 * @param {MediaDeviceKind} kind
 * @param {string} id
 */
async function choose(kind, id) {
  await devices.choose(kind, id);
  if (!inCall(store.get())) return;
  await connection.change(kind, id).catch((error) => store.update(withNotice(store.get(), error.message, true)));
}

showFrame(store);
showPrejoin(store, { join: session.join, turn: devices.turn, choose });
showStage(store);
playSounds(store, { playSound: () => void connection.playSound() });
showControls(store, { toggle, share: session.share, leave: session.leave, panel: togglePanel });
showChat(store, { say: session.say, close: closePanel, language });
showPeople(store, { close: closePanel });
showQuality(store, { close: closePanel, language, everybody: config.seesQuality });
showRecording(store, { ...recording, leave: session.leave });
showInvite(inviting);
showSettings(store, { choose });
showNotices(store);
showEnding(store, { rejoin: () => void session.join() });
announce(store, language);
void devices.prepare();
