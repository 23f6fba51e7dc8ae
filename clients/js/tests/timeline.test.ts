import fc from "fast-check";
import { expect, test } from "vitest";
import type { Message } from "../src/generated/contract.js";
import { rank, Timeline } from "../src/timeline.js";
import type { Told } from "../src/types.js";
import { ADA, BOB, ME, Talk } from "./model.js";

const PEOPLE = [ME, ADA, BOB];

type Step =
  | { do: "post"; by: number; answers: number }
  | { do: "edit"; which: number }
  | { do: "remove"; which: number }
  | { do: "react"; which: number; by: number; emoji: string }
  | { do: "read"; which: number; by: number };

const by = fc.nat(2);
const which = fc.nat(30);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant("post" as const), by, answers: which }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("edit" as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("remove" as const), which }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("react" as const),
      which,
      by,
      emoji: fc.constantFrom("👍", "🎉"),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("read" as const), which, by }) },
);

/** Let steps happen; gives what is told of each, nothing for one that cannot be. */
function play(talk: Talk, steps: readonly Step[]): Told[] {
  const told: Told[] = [];
  for (const one of steps) {
    const count = talk.messages.length;
    if (one.do === "post") {
      const quoted = one.answers < count / 2 ? (talk.messages[one.answers]?.id ?? null) : null;
      told.push(talk.post(PEOPLE[one.by] ?? ME, `Line ${count + 1}`, { reply_to_id: quoted }));
      continue;
    }
    if (count === 0) continue;
    const seq = (one.which % count) + 1;
    const isGone = talk.message(seq).deleted_at !== null;
    if (one.do === "read") told.push(talk.read(PEOPLE[one.by] ?? ME, seq));
    else if (isGone) continue;
    else if (one.do === "react") told.push(talk.react(seq, PEOPLE[one.by] ?? ME, one.emoji));
    else if (one.do === "edit") told.push(talk.edit(seq, `Edited ${told.length}`));
    else told.push(talk.remove(seq));
  }
  return told;
}

function tell(timeline: Timeline, { type, at, data }: Told): void {
  if (type === "reaction.changed") timeline.react(data.message_id, data.reactions, { at });
  else if (type === "receipt.read") timeline.read(data.user_id, data.seq, data.at);
  else if (type === "message.created" || type === "message.updated" || type === "message.deleted") {
    timeline.put(data.message, { at });
  }
}

/** Without the order of emoji, which events told in disorder cannot keep. */
function plain(messages: readonly Message[]): unknown[] {
  return messages.map((message) => ({
    ...message,
    reactions: Object.entries(message.reactions).sort(),
  }));
}

function truth(talk: Talk): Message[] {
  return talk.messages.map(({ seq }) => talk.message(seq));
}

test("told in any order, any number of times, it shows what the server has", () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 40 }),
      fc.infiniteStream(fc.nat(1000)),
      fc.nat(20),
      (steps, chance, repeats) => {
        const talk = new Talk("c1");
        const told = play(talk, steps);
        const timeline = new Timeline();
        const draw = () => Number(chance.next().value);
        const again = Array.from({ length: repeats }, () => told[draw() % (told.length || 1)]);
        const shuffled = [...told, ...again]
          .map((event) => ({ event, place: draw() }))
          .sort((one, other) => one.place - other.place);
        for (const { event } of shuffled) if (event !== undefined) tell(timeline, event);
        expect(plain(timeline.list(1, talk.messages.length))).toEqual(plain(truth(talk)));
      },
    ),
    { numRuns: 300 },
  );
});

test("what no event told is known to be missing, and fetched pages fill it", () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 40 }),
      fc.array(step, { maxLength: 20 }),
      fc.array(fc.boolean(), { minLength: 60, maxLength: 60 }),
      fc.integer({ min: 1, max: 7 }),
      (first, second, isHeard, limit) => {
        const talk = new Talk("c1");
        const timeline = new Timeline();
        for (const [i, event] of play(talk, first).entries()) {
          if (isHeard[i] && event.type === "message.created") tell(timeline, event);
        }
        timeline.reach(talk.messages.length);
        // From here on nothing is missed, but some of it comes while pages are on their way.
        const meanwhile = play(talk, second);
        let place = 0;
        const everything = timeline.holes(1, timeline.last);
        const held = new Set(timeline.list(1, timeline.last).map((each) => each.seq));
        expect(everything.flatMap(([from, to]) => range(from, to))).toEqual(
          range(1, timeline.last).filter((seq) => !held.has(seq)),
        );
        for (let before = talk.messages.length + 1; before > 1; ) {
          const since = timeline.now;
          const page = talk.page({ before, limit });
          const event = meanwhile[place++];
          if (event !== undefined) tell(timeline, event);
          const from = page.next === null ? 1 : Math.min(...page.items.map((each) => each.seq));
          timeline.take(page.items, from, before - 1, since);
          before = from;
        }
        for (const event of meanwhile.slice(place)) tell(timeline, event);
        expect(timeline.holes(1, timeline.last)).toEqual([]);
        expect(plain(timeline.list(1, timeline.last))).toEqual(plain(truth(talk)));
      },
    ),
    { numRuns: 300 },
  );
});

test("what the server does not give is absent, until it comes after all", () => {
  const talk = new Talk("c1");
  const told = Array.from({ length: 20 }, () => talk.post(ADA));
  talk.hidden = 12;
  const timeline = new Timeline();
  timeline.reach(20);
  timeline.take(talk.page({}).items, 1, 20, timeline.now);
  expect(timeline.holes(1, 20)).toEqual([]);
  expect(timeline.skip(12, -1)).toBe(0);
  expect(timeline.skip(1, 1)).toBe(13);
  const fifth = told[4];
  if (fifth !== undefined) tell(timeline, fifth);
  expect(timeline.list(1, 20).map((each) => each.seq)).toEqual([5, ...range(13, 20)]);
  expect(timeline.skip(4, -1)).toBe(0);
  expect(timeline.holes(1, 20)).toEqual([[6, 12]]);
  timeline.keep([13, 20]);
  expect(timeline.holes(1, 20)).toEqual([[5, 12]]);
});

test("a repeat changes nothing, not even which object it is", () => {
  const talk = new Talk("c1");
  const told = [talk.post(ADA), talk.post(BOB), talk.edit(1, "Better"), talk.react(2, ME, "👍")];
  const timeline = new Timeline();
  for (const event of told) tell(timeline, event);
  const before = timeline.list(1, 2);
  for (const event of told) tell(timeline, event);
  timeline.take(talk.page({}).items, 1, 2, timeline.now);
  const after = timeline.list(1, 2);
  expect(after.every((message, i) => message === before[i])).toBe(true);
  expect(after.map(rank)).toEqual([talk.message(1).edited_at, ""]);
});

test("reactions told while a page was fetched win over those of the page", () => {
  const talk = new Talk("c1");
  const timeline = new Timeline();
  tell(timeline, talk.post(ADA));
  const since = timeline.now;
  const page = talk.page({}).items;
  tell(timeline, talk.react(1, ME, "👍"));
  timeline.take(page, 1, 1, since);
  expect(timeline.list(1, 1)[0]?.reactions).toEqual({ "👍": [ME] });
  talk.react(1, ADA, "👍");
  timeline.take(talk.page({}).items, 1, 1, timeline.now);
  expect(timeline.list(1, 1)[0]?.reactions).toEqual({ "👍": [ME, ADA] });
});

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
}
