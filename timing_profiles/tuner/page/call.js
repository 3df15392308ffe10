// One call: the room, the caller's track, the agent's sound, and what the agent publishes.
// @ts-check

import { fromEpoch, now } from "./sound.js";

/** @import { Said } from "./contract" */
/** @import { Server } from "./server.js" */
/** @import { Sound } from "./sound.js" */

const STATE = "lk.agent.state";

/** @type {Promise<unknown> | null} */
let client = null;

/** Load livekit-client, which is two thirds of the page's bytes: the page is shown before. */
export function load() {
  // Not a module, but it defines its global in one, too.
  const address = "./vendor/livekit-client.umd.js";
  client ??= import(address).then(
    () => LivekitClient.setLogLevel("warn"),
    (error) => {
      client = null;
      throw error;
    },
  );
  return client;
}

/**
 * What a call tells.
 *
 * @typedef {object} Listener
 * @property {(message: Said, at: number) => void} said at: seconds of the page's clock
 * @property {(state: string) => void} agentState from the agent's attribute
 * @property {() => void} eventsLost the server's stream ended while the call goes on
 * @property {(reason: string) => void} ended by the other side
 */

/** A call. */
export class Call {
  /** @param {Server} server @param {Sound} sound @param {Listener} on */
  constructor(server, sound, on) {
    this._server = server;
    this._sound = sound;
    this._on = on;
    /** @type {import("livekit-client").Room | null} */
    this._room = null;
    this.name = "";
    this.agent = "";
    this._isOver = false;
    /** @type {WebSocket | null} */
    this._events = null;
    this._hasEvents = false;
    /** @type {Promise<void>} */
    this._sending = Promise.resolve();
    /** @type {string | null} */
    this._toSend = null;
  }

  /**
   * Join a new room.
   *
   * @param {string} profile
   * @param {object} overrides nested
   * @throws {Error} with a message for people
   */
  async join(profile, overrides) {
    const [call] = await Promise.all([this._server.post("/api/call", { profile, overrides }), load()]);
    if (this._isOver) return;
    this.name = call.room;
    // The page ends the call itself when it is left, and remembers that one ran.
    const room = new LivekitClient.Room({ disconnectOnPageLeave: false });
    this._room = room;
    // The observer is there before the agent is.
    this._events = await this._server.socket(
      `/api/calls/${call.room}/events`,
      (message) => this._hear(message),
      () => this._loseEvents(),
    );
    if (this._isOver) {
      this._events.close();
      return;
    }
    this._listen(room);
    try {
      await room.connect(call.url, call.token);
      if (this._isOver) return;
      const track = new LivekitClient.LocalAudioTrack(this._sound.track, undefined, true);
      const source = LivekitClient.Track.Source.Microphone;
      // Silence is sent too: the agent's VAD hears the end of speech by it.
      await room.localParticipant.publishTrack(track, { source, dtx: false, red: false });
    } catch (error) {
      if (this._isOver) return;
      await this.end();
      throw new Error(`No connection to LiveKit at ${call.url}: ${message(error)}`);
    }
  }

  /**
   * Send the caller's own metadata; of several at once the last one counts.
   *
   * @param {string} metadata
   */
  change(metadata) {
    const isWaiting = this._toSend !== null;
    this._toSend = metadata;
    if (!isWaiting) this._sending = this._sending.then(() => this._send());
    return this._sending;
  }

  async _send() {
    const metadata = this._toSend;
    this._toSend = null;
    if (metadata === null || this._isOver) return;
    await this._room?.localParticipant.setMetadata(metadata);
  }

  /** Leave, and end the room. */
  async end() {
    if (this._isOver) return;
    this._isOver = true;
    this._events?.close();
    await this._room?.disconnect();
    if (this.name) {
      const path = `/api/calls/${this.name}`;
      await this._server.ask(path, { method: "DELETE", keepalive: true }).catch(() => {});
    }
  }

  /** @param {import("livekit-client").Room} room */
  _listen(room) {
    const { RoomEvent, Track } = LivekitClient;
    room
      .on(RoomEvent.TrackSubscribed, (track, _publication, participant) => {
        if (track.kind === Track.Kind.Audio && participant.isAgent) {
          this._sound.hear(track.mediaStreamTrack);
        }
      })
      .on(RoomEvent.ParticipantConnected, (participant) => this._meet(participant))
      .on(RoomEvent.ParticipantAttributesChanged, (changed, participant) => {
        if (STATE in changed && participant.isAgent) this._state(changed[STATE] ?? "");
      })
      .on(RoomEvent.Disconnected, (reason) => this._disconnected(reason))
      .on(RoomEvent.Connected, () => room.remoteParticipants.forEach((each) => this._meet(each)));
  }

  /** @param {import("livekit-client").RemoteParticipant} participant */
  _meet(participant) {
    if (!participant.isAgent) return;
    this.agent = participant.identity;
    const state = participant.attributes[STATE];
    if (state) this._state(state);
  }

  /** @param {string} state */
  _state(state) {
    if (!this._isOver) this._on.agentState(state);
  }

  /** @param {Said} said */
  _hear(said) {
    if (this._isOver) return;
    this._hasEvents = true;
    if (said.type === "ended") {
      this._over(said.reason);
      return;
    }
    const at = "at" in said && said.at ? said.at : said.received;
    this._on.said(said, Math.min(now(), fromEpoch(at)));
  }

  _loseEvents() {
    if (!this._isOver) this._on.eventsLost();
  }

  /** @param {import("livekit-client").DisconnectReason | undefined} reason */
  _disconnected(reason) {
    const { DisconnectReason } = LivekitClient;
    /** @type {Map<unknown, string>} */
    const reasons = new Map([
      [DisconnectReason.ROOM_DELETED, "the room was closed"],
      [DisconnectReason.SERVER_SHUTDOWN, "the LiveKit server was shut down"],
      [DisconnectReason.DUPLICATE_IDENTITY, "the call goes on elsewhere"],
      [DisconnectReason.PARTICIPANT_REMOVED, "the server removed the caller"],
    ]);
    this._over(reasons.get(reason) ?? "the connection to LiveKit was lost");
  }

  /** @param {string} reason */
  _over(reason) {
    if (this._isOver) return;
    void this.end();
    this._on.ended(reason);
  }
}

/** @param {unknown} error */
function message(error) {
  return error instanceof Error ? error.message : String(error);
}
