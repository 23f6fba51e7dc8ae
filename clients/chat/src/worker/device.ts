/**
 * Which device of whom this browser is, for push.
 *
 * A browser has one subscription, so it is one person's device at a time. What is kept is
 * an id of ours and the person's; it goes when push is switched off or another person comes.
 */
const KEY = "callboard.push";

export interface Device {
  userId: string;
  deviceId: string;
}

/** The device that was registered here last; null for none. */
export function keptDevice(): Device | null {
  const text = localStorage.getItem(KEY);
  if (text === null) return null;
  const [userId, deviceId] = text.split(" ");
  return userId && deviceId ? { userId, deviceId } : null;
}

/** Be a device of this person's, the same as before if it was theirs. */
export function becomeDevice(userId: string): Device {
  const kept = keptDevice();
  if (kept?.userId === userId) return kept;
  const device = { userId, deviceId: crypto.randomUUID() };
  localStorage.setItem(KEY, `${userId} ${device.deviceId}`);
  return device;
}

/** Be nobody's device. */
export function forgetDevice(): void {
  localStorage.removeItem(KEY);
}

/** What a person calls this browser: "Firefox on Linux". */
export function nameOfBrowser(agent: string): string {
  const [, browser] = BROWSERS.find(([sign]) => agent.includes(sign)) ?? ["", "Browser"];
  const [, system] = SYSTEMS.find(([sign]) => agent.includes(sign)) ?? ["", ""];
  return system ? `${browser} on ${system}` : browser;
}

// The first that fits: later ones call themselves by the names of earlier ones too.
const BROWSERS = [
  ["Edg/", "Edge"],
  ["OPR/", "Opera"],
  ["SamsungBrowser/", "Samsung Internet"],
  ["Firefox/", "Firefox"],
  ["Chrome/", "Chrome"],
  ["Safari/", "Safari"],
] as const;

const SYSTEMS = [
  ["Android", "Android"],
  ["iPhone", "iPhone"],
  ["iPad", "iPad"],
  ["Windows", "Windows"],
  ["Mac OS X", "macOS"],
  ["CrOS", "ChromeOS"],
  ["Linux", "Linux"],
] as const;
