// The shapes of what server and page exchange, for the type check: no browser loads this file.

export type Value = string | number | boolean | null | Value[] | { [key: string]: Value };
export type Values = { [path: string]: Value };
export type Nested = { [key: string]: Value };
export type Wait = { seconds: [number, number | null]; formula: string; unknown: string[] };

export type Profile = {
  name: string;
  description: string;
  extends: string | null;
  values: Values;
  origins: { [path: string]: string };
  wait: Wait;
  dead: { [path: string]: string };
  summary: string[];
  allowed: string[];
};

export type Field = {
  path: string;
  title: string;
  description: string;
  notice: string | null;
  unit: string | null;
  type: string;
  minimum: number | null;
  maximum: number | null;
  step: number | null;
  choices: string[] | null;
  meanings: { [choice: string]: string };
  nullable: boolean;
  auto: boolean;
  default: Value;
  live: boolean;
  acts: string;
  allowed: boolean;
};

export type Problem = {
  file?: string | null;
  line?: number | null;
  path?: string | null;
  code?: string;
  severity?: string;
  message: string;
  hint?: string | null;
};

export type ProfileSet = {
  revision: string;
  write: boolean;
  agent: string | null;
  livekit_url: string;
  profile: string | null;
  metadata_key: string;
  profiles: Profile[];
  fields: Field[];
  sentences: Sentence[];
  problems: Problem[];
  broken: string | null;
};

export type Preview = {
  profile: string;
  values: Values;
  origins: { [path: string]: string };
  wait: Wait;
  dead: { [path: string]: string };
  summary: string[];
  problems: Problem[];
  warnings: Problem[];
  allowed: string[];
  live: string[];
  next_call: string[];
  metadata: string;
  yaml: string;
};

export type Call = { room: string; url: string; token: string; identity: string; metadata: string };

export type Said =
  | { type: "agent"; present: boolean; attributes?: { [name: string]: string }; received: number }
  | { type: "agent_state"; state: string; at?: number; received: number }
  | { type: "user_state"; state: string; at?: number; received: number }
  | {
      type: "prediction";
      probability: number;
      threshold: number;
      delay: number;
      inference: number;
      at?: number;
      received: number;
    }
  | { type: "transcript"; text: string; final: boolean; at?: number; received: number }
  | {
      type: "said";
      role: string;
      text: string;
      interrupted: boolean;
      at?: number;
      received: number;
    }
  | { type: "interruption"; kind: string; at?: number; received: number }
  | { type: "error"; message: string; received: number }
  | { type: "silent"; after: number; received: number }
  | { type: "ended"; reason: string; received: number };

export type Outcome = {
  profile: string;
  cut_at: number | null;
  wait: number | null;
  decided_by: string | null;
  probability: number | null;
  threshold: number | null;
  unknown: string | null;
};

export type Rehearsed = { seconds: number; speech: [number, number][]; profiles: Outcome[] };

export type Yaml = {
  file: string;
  exists: boolean;
  text: string;
  diff: string;
  problems: Problem[];
};

export type Sentence = { name: string; title: string; text: string; seconds: number };

/** A stretch of sound, in seconds. */
export type Span = { start: number; end: number };

/** The loudness of a stretch of `seconds`, from `at` on. */
export type Level = { at: number; seconds: number; level: number };

export type Prediction = { at: number; probability: number; threshold: number };

declare global {
  const LivekitClient: typeof import("livekit-client");
  interface Window {
    /** What a test reads; nothing on the page does. */
    tuner?: object;
  }
}
