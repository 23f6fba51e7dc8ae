import type { Message, Pending } from "@callboard/client";

/** What the list shows, one after the other. */
export type Row =
  | { kind: "day"; key: string; at: string }
  | { kind: "new"; key: string }
  | { kind: "system"; key: string; message: Message }
  | { kind: "message"; key: string; message: Message; isFirst: boolean; isLast: boolean }
  | { kind: "pending"; key: string; pending: Pending; isFirst: boolean; isLast: boolean };

/** Messages of one sender stand together while no more than this lies between two. */
const TOGETHER_MS = 5 * 60_000;

/**
 * Lay messages out: day lines, the new-messages line, and who stands together with whom.
 *
 * A row keeps its key when a message of one's own is acknowledged, so that its element stays.
 * `newAfter` is the `seq` after which the new-messages line goes.
 */
export function rowsOf(
  messages: readonly Message[],
  pending: readonly Pending[],
  options: { me: string; newAfter: number | null; isWhole: boolean },
): Row[] {
  const rows: Row[] = [];
  let before: { sender: string | null; at: number; day: string } | null = null;
  let isLineDue = options.newAfter !== null;

  const place = (sender: string | null, at: string, isAlone: boolean): boolean => {
    const time = Date.parse(at);
    const day = dayOf(time);
    const isNewDay = before === null || before.day !== day;
    if (isNewDay) rows.push({ kind: "day", key: `day ${day}`, at });
    const isTogether: boolean =
      !isNewDay &&
      !isAlone &&
      before !== null &&
      before.sender === sender &&
      Math.abs(time - before.at) <= TOGETHER_MS &&
      rows.at(-1)?.kind !== "new";
    before = { sender: isAlone ? null : sender, at: time, day };
    if (!isTogether) endGroup(rows);
    return !isTogether;
  };

  const acknowledged = new Set<string>();
  for (const message of messages) {
    const isMine = message.sender_id === options.me;
    if (isMine && message.client_id !== null) acknowledged.add(message.client_id);
    if (isLineDue && options.newAfter !== null && message.seq > options.newAfter && !isMine) {
      isLineDue = false;
      // A line above everything says nothing, unless the conversation begins there.
      if (rows.length > 0 || message.seq === 1) {
        endGroup(rows);
        rows.push({ kind: "new", key: "new" });
      }
    }
    if (message.kind === "system") {
      place(null, message.sent_at, true);
      rows.push({ kind: "system", key: message.id, message });
      continue;
    }
    const isFirst = place(message.sender_id, message.sent_at, message.sender_id === null);
    rows.push({
      kind: "message",
      key: keyOf(message, options.me),
      message,
      isFirst,
      isLast: false,
    });
  }
  if (options.isWhole) {
    for (const each of pending) {
      if (acknowledged.has(each.clientId)) continue;
      const isFirst = place(options.me, each.at, false);
      rows.push({ kind: "pending", key: each.clientId, pending: each, isFirst, isLast: false });
    }
  }
  endGroup(rows);
  return rows;
}

/** The name of a message's row, the same before and after it was acknowledged. */
export function keyOf(message: Message, me: string): string {
  return message.sender_id === me && message.client_id !== null ? message.client_id : message.id;
}

/** The last message that others wrote, or one wrote, that can be edited. */
export function lastEditable(messages: readonly Message[], me: string): Message | null {
  const found = messages.findLast(
    (each) =>
      each.sender_id === me && each.kind === "text" && each.deleted_at === null && each.body !== "",
  );
  return found ?? null;
}

/** Mark the last row so far as the last of its group, past the lines that follow it. */
function endGroup(rows: Row[]): void {
  for (let index = rows.length - 1; index >= 0; index--) {
    const row = rows[index];
    if (row === undefined || row.kind === "system") return;
    if (row.kind === "message" || row.kind === "pending") {
      rows[index] = { ...row, isLast: true };
      return;
    }
  }
}

function dayOf(time: number): string {
  const date = new Date(time);
  return `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;
}
