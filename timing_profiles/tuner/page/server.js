// Requests to the server of this page.
// @ts-check

/** The server refused; the message is for people. */
export class Refused extends Error {
  /** @param {string} message @param {number} status */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** The server does not answer. */
export class Gone extends Error {
  constructor() {
    super("The server of this page does not answer.");
  }
}

const FIRST_RETRY = 0.5; // seconds; twice as long each time
const LAST_RETRY = 8;

/** The server. */
export class Server {
  /** @param {string} token */
  constructor(token) {
    this._token = token;
  }

  /**
   * @param {string} path
   * @param {RequestInit} [init]
   * @returns {Promise<any>}
   */
  async ask(path, init = {}) {
    const headers = { Authorization: `Bearer ${this._token}`, ...init.headers };
    /** @type {Response} */
    let answer;
    try {
      answer = await fetch(path, { ...init, headers, cache: "no-store" });
    } catch {
      throw new Gone();
    }
    const body = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Refused(body.error ?? answer.statusText, answer.status);
    return body;
  }

  /** @param {string} path @param {object} body @returns {Promise<any>} */
  async post(path, body) {
    const headers = { "Content-Type": "application/json" };
    return this.ask(path, { method: "POST", headers, body: JSON.stringify(body) });
  }

  /**
   * Open a socket; resolves once it is open.
   *
   * @param {string} path
   * @param {(message: any) => void} heard
   * @param {() => void} closed
   * @returns {Promise<WebSocket>}
   */
  async socket(path, heard, closed) {
    const address = new URL(`${path}?token=${encodeURIComponent(this._token)}`, location.href);
    address.protocol = address.protocol.replace("http", "ws");
    const socket = new WebSocket(address);
    socket.onmessage = (event) => heard(JSON.parse(event.data));
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = () => reject(new Gone());
      socket.onclose = () => reject(new Gone());
    });
    socket.onerror = null;
    socket.onclose = closed;
    return socket;
  }

  /** Why a socket is refused, which its own error does not tell; null if nobody answers. */
  async _refusal() {
    return this.ask("/api/set").then(
      () => null,
      (error) => (error instanceof Refused && error.status === 401 ? error : null),
    );
  }

  /**
   * Follow a socket for as long as the page is open; after an end it is opened again.
   *
   * @param {string} path
   * @param {{heard: (message: any) => void, lost: () => void, back: () => void, refused: (error: Refused) => void}} on
   */
  follow(path, on) {
    let retry = FIRST_RETRY;
    let isLost = false;
    const lose = () => {
      if (!isLost) on.lost();
      isLost = true;
      setTimeout(open, retry * 1000);
      retry = Math.min(LAST_RETRY, retry * 2);
    };
    const open = async () => {
      try {
        await this.socket(path, on.heard, lose);
      } catch {
        const refused = isLost ? await this._refusal() : null;
        if (refused) on.refused(refused);
        else lose();
        return;
      }
      if (isLost) on.back();
      isLost = false;
      retry = FIRST_RETRY;
    };
    void open();
  }
}
