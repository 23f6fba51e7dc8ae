import type { VNode } from "preact";

// Lines on a ground of 24 × 24, drawn for this project.
const PATHS = {
  alert: "M12 4 2.8 20h18.4zM12 10v4M12 17h.01",
  archive: "M3 5h18v4H3zM5 9v10h14V9M10 13h4",
  "arrow-down": "M12 5v14M6 13l6 6 6-6",
  attach:
    "M19 11.5 11.5 19a4.6 4.6 0 0 1-6.5-6.5l8-8a3.1 3.1 0 0 1 4.4 4.4l-7.9 7.9a1.5 1.5 0 0 1-2.2-2.2l7.2-7.1",
  back: "M19 12H5M11 6l-6 6 6 6",
  bell: "M6 16V11a6 6 0 0 1 12 0v5l2 2H4zM10 21h4",
  "bell-off": "M6 16V11a6 6 0 0 1 9-5.2M18 10v6M4 18h13M10 21h4M3 3l18 18",
  block: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M5.8 5.8l12.4 12.4",
  briefcase: "M4 8h16v11H4zM9 8V5h6v3M4 13h16",
  chat: "M4 5h16v11H10l-5 4v-4H4z",
  check: "M5 12.5 10 17l9-10",
  checks: "M2 12.5 6.5 17l8-10M11.5 16l1 1 9-10",
  "chevron-down": "M6 9l6 6 6-6",
  "chevron-right": "M9 6l6 6-6 6",
  clock: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M12 7v5l3 2",
  close: "M6 6l12 12M18 6 6 18",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  download: "M12 4v11M7 10l5 5 5-5M5 20h14",
  edit: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  external: "M14 4h6v6M20 4l-9 9M18 14v6H4V6h6",
  file: "M6 3h8l4 4v14H6zM14 3v4h4",
  flag: "M5 21V4h13l-3 4 3 4H5",
  forward: "M5 12h14M13 6l6 6-6 6",
  globe: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M3 12h18M12 3c5 5 5 13 0 18M12 3c-5 5-5 13 0 18",
  history: "M4 4v5h5M4.5 9A8.5 8.5 0 1 1 3.6 13M12 8v4l3 2",
  image: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15 9h.01",
  inbox: "M4 13 6 5h12l2 8v6H4zM4 13h5l1 2h4l1-2h5",
  info: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M12 11v5M12 8h.01",
  leave: "M14 4H5v16h9M10 12h11M17 8l4 4-4 4",
  link: "M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.3l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3a4 4 0 0 0 5.7 5.7l1-1",
  lock: "M6 11h12v9H6zM8 11V8a4 4 0 0 1 8 0v3",
  mail: "M3 6h18v12H3zM3 7l9 7 9-7",
  menu: "M4 7h16M4 12h16M4 17h16",
  message: "M4 5h16v11H10l-5 4v-4H4zM8 9h8M8 12h5",
  monitor: "M3 5h18v11H3zM9 20h6M12 16v4",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5",
  more: "M5 11.3a.7.7 0 1 0 0 1.4.7.7 0 0 0 0-1.4M12 11.3a.7.7 0 1 0 0 1.4.7.7 0 0 0 0-1.4M19 11.3a.7.7 0 1 0 0 1.4.7.7 0 0 0 0-1.4",
  offline:
    "M3 3l18 18M8.5 15a5 5 0 0 1 7 0M5 11.5a10 10 0 0 1 4-2.3M14.5 9.1a10 10 0 0 1 4.5 2.4M12 19h.01",
  people:
    "M9 4.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7M2.5 20c0-4 3-6 6.5-6s6.5 2 6.5 6M16 5a3.5 3.5 0 0 1 0 6.5M18 14.5c2.3.8 3.5 2.8 3.5 5.5",
  person: "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8M4.5 21c0-4.5 3.5-6.5 7.5-6.5s7.5 2 7.5 6.5",
  "person-add":
    "M10 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8M2.5 21c0-4.5 3.5-6.5 7.5-6.5 1.8 0 3.5.4 4.8 1.3M19 14v6M16 17h6",
  phone: "M7 3h10v18H7zM11 18h2",
  plus: "M12 5v14M5 12h14",
  refresh: "M20 5v5h-5M19.5 10A8 8 0 1 0 20 13.5",
  reply: "M10 6 4 12l6 6M4 12h9a7 7 0 0 1 7 7",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14M16 16l5 5",
  send: "M4 4l17 8-17 8 3-8zM7 12h14",
  settings:
    "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5M9 14.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5",
  smile:
    "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M8 14c1 1.8 2.4 2.5 4 2.5s3-.7 4-2.5M9 9.5h.01M15 9.5h.01",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6 19 19M5 19l1.4-1.4M17.6 6.4 19 5",
  trash: "M4 6h16M9 6V4h6v2M6 6l1 15h10l1-15M10 10v7M14 10v7",
  unarchive: "M3 5h18v4H3zM5 9v10h14V9M12 17v-5M9.5 14l2.5-2.5 2.5 2.5",
  upload: "M12 16V5M7 9l5-5 5 5M5 20h14",
} as const;

export type IconName = keyof typeof PATHS;

// These point along the line of reading.
const TURNING: ReadonlySet<IconName> = new Set([
  "back",
  "chevron-right",
  "external",
  "forward",
  "leave",
  "reply",
  "send",
]);

/** A picture beside words or in a labelled button; never said by a screen reader. */
export function Icon({ name }: { name: IconName }): VNode {
  return (
    <svg
      class={TURNING.has(name) ? "ui-icon ui-icon-turns" : "ui-icon"}
      viewBox="0 0 24 24"
      aria-hidden="true"
      focusable="false"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
