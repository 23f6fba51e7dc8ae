import type { VNode } from "preact";
import { useSession } from "../session.js";
import { IconButton } from "../ui/Button.js";
import type { QuietHours } from "./Quiet.js";
import { DAYS, type Day, weekdayName } from "./weekdays.js";

interface Window {
  from: string;
  to: string;
}

type Windows = Record<string, Window[]>;

interface WeekProps {
  value: QuietHours;
  onChange: (hours: Windows) => void;
}

// What most people mean.
const NIGHT: Window = { from: "22:00", to: "07:00" };
// What the server takes for a day.
const MOST = 10;

/** When it is quiet, day by day, in one's own time. */
export function Week({ value, onChange }: WeekProps): VNode {
  const { t } = useSession();
  const hours: Windows = {};
  for (const day of DAYS) hours[day] = [...(value.quiet_hours[day] ?? [])];
  return (
    <fieldset class="panels-group-of panels-inset">
      <legend class="ui-label">{t("quiet.week")}</legend>
      <ul class="panels-week">
        {DAYS.map((day) => (
          <DayRow
            key={day}
            day={day}
            windows={hours[day] ?? []}
            onChange={(windows) => onChange({ ...hours, [day]: windows })}
            onCopy={(windows) => onChange(Object.fromEntries(DAYS.map((each) => [each, windows])))}
          />
        ))}
      </ul>
    </fieldset>
  );
}

interface DayProps {
  day: Day;
  windows: Window[];
  onChange: (windows: Window[]) => void;
  onCopy: (windows: Window[]) => void;
}

function DayRow({ day, windows, onChange, onCopy }: DayProps): VNode {
  const { t, locale } = useSession();
  const name = weekdayName(day, locale);
  return (
    <li class="panels-day-row">
      <span class="panels-day-name">{name}</span>
      <div class="panels-windows">
        {windows.length === 0 && <span class="ui-hint">{t("quiet.day.none")}</span>}
        {windows.map((each, index) => (
          <WindowRow
            key={index}
            name={name}
            value={each}
            onChange={(next) => onChange(windows.map((old, at) => (at === index ? next : old)))}
            onRemove={() => onChange(windows.filter((_, at) => at !== index))}
          />
        ))}
      </div>
      <span class="panels-day-do">
        {windows.length > 0 && (
          <IconButton
            icon="copy"
            label={t("quiet.copy.label", { day: name })}
            onClick={() => onCopy(windows)}
          />
        )}
        {windows.length < MOST && (
          <IconButton
            icon="plus"
            label={t("quiet.add", { day: name })}
            onClick={() => onChange([...windows, NIGHT])}
          />
        )}
      </span>
    </li>
  );
}

interface WindowProps {
  name: string;
  value: Window;
  onChange: (value: Window) => void;
  onRemove: () => void;
}

function WindowRow({ name, value, onChange, onRemove }: WindowProps): VNode {
  const { t } = useSession();
  const { from, to } = value;
  const field = (end: "from" | "to"): VNode => (
    <input
      class="ui-input"
      type="time"
      aria-label={t(end === "from" ? "quiet.from" : "quiet.to", { day: name })}
      value={value[end]}
      onChange={(event) => {
        const chosen = event.currentTarget.value;
        if (chosen !== "" && chosen !== value[end]) onChange({ ...value, [end]: chosen });
      }}
    />
  );
  const under = from === to ? t("quiet.day.whole") : to < from ? t("quiet.next") : "";
  return (
    <div class="panels-window">
      {field("from")}
      <span aria-hidden="true">–</span>
      {field("to")}
      <IconButton
        icon="close"
        label={t("quiet.remove", { from, to, day: name })}
        onClick={onRemove}
      />
      {under && <span class="ui-hint">{under}</span>}
    </div>
  );
}
