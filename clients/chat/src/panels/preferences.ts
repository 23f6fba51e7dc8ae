import type { Calls } from "@callboard/client";

export type Preferences = Calls["GET /v1/notification-preferences"]["answer"];
export type TypePreferences = Preferences["types"][number];
export type Class = TypePreferences["class"];
export type Choices = NonNullable<Calls["PUT /v1/notification-preferences"]["body"]>["preferences"];
export type Channel = Choices[number]["channel"];
export type Mode = NonNullable<Choices[number]["mode"]>;

type Change = readonly [Choices, (now: Preferences) => Preferences];

export const CHANNELS: readonly Channel[] = ["in_app", "push", "email"];
export const CLASSES: readonly Class[] = ["service", "alert", "promotion"];

/**
 * Choose how a channel tells of a type, a class (`class:alert`) or everything (`*`).
 *
 * Gives what to tell the server, and how it looks until the server has answered; what
 * follows for other types only the server knows.
 */
export function choosing(type: string, channel: Channel, mode: Mode | null): Change {
  return [[{ type, channel, mode }], (now) => previewed(now, type, channel, mode)];
}

/** Take back all that was chosen for a class and its types. */
export function takenBack(value: Preferences, name: Class): Change {
  const choices: Choices = [];
  for (const channel of CHANNELS) {
    if (value.classes[name]?.[channel]) {
      choices.push({ type: `class:${name}`, channel, mode: null });
    }
    for (const type of value.types) {
      if (type.class !== name || !type.channels[channel]?.choice) continue;
      choices.push({ type: type.type, channel, mode: null });
    }
  }
  return [
    choices,
    (now) =>
      choices.reduce((before, each) => previewed(before, each.type, each.channel, null), now),
  ];
}

/** Whether anything was chosen for a class or its types. */
export function hasChoices(value: Preferences, name: Class): boolean {
  return takenBack(value, name)[0].length > 0;
}

function previewed(
  now: Preferences,
  type: string,
  channel: Channel,
  mode: Mode | null,
): Preferences {
  const choice =
    mode === null ? null : { mode, source: "user" as const, changed_at: new Date().toISOString() };
  if (type === "*") return { ...now, channels: { ...now.channels, [channel]: choice } };
  if (type.startsWith("class:")) {
    const name = type.slice("class:".length);
    const classes = { ...now.classes, [name]: { ...now.classes[name], [channel]: choice } };
    return { ...now, classes };
  }
  return {
    ...now,
    types: now.types.map((each) => {
      const before = each.channels[channel];
      if (each.type !== type || !before) return each;
      const after = {
        ...before,
        choice,
        mode: mode ?? before.default,
        source: mode === null ? ("default" as const) : ("type" as const),
      };
      return { ...each, channels: { ...each.channels, [channel]: after } };
    }),
  };
}
