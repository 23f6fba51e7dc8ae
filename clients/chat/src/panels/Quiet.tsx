import type { Calls } from "@callboard/client";
import type { VNode } from "preact";
import { useSession } from "../session.js";
import { Button } from "../ui/Button.js";
import { Menu } from "../ui/Menu.js";
import { fully } from "../ui/time.js";
import { inHours, isMuted, tomorrow } from "./mute.js";
import { Week } from "./Week.js";
import { DAYS, weekdayName } from "./weekdays.js";
import { Zone } from "./Zone.js";

export type QuietHours = Calls["GET /v1/quiet-hours"]["answer"];
export type QuietChange = NonNullable<Calls["PUT /v1/quiet-hours"]["body"]>;

interface QuietProps {
  value: QuietHours;
  save: (change: QuietChange, preview: (now: QuietHours) => QuietHours) => void;
}

/** When one is left in peace, and when what has gathered comes. */
export function Quiet({ value, save }: QuietProps): VNode {
  const { t, locale } = useSession();
  const change = (what: QuietChange): void => save(what, (now) => previewed(now, what));
  const until = value.quiet_until;
  return (
    <div class="panels-settings">
      <p class="ui-hint panels-inset">{t("quiet.help")}</p>
      {until && isMuted(until) && (
        <p class="panels-now">{t("quiet.now", { when: fully(until, locale) })}</p>
      )}
      <Disturb until={value.do_not_disturb_until} change={change} />
      <Week value={value} onChange={(quiet_hours) => change({ quiet_hours })} />
      <Zone
        chosen={value.timezone}
        inForce={value.in_force.timezone}
        onChange={(timezone) => change({ timezone })}
      />
      <Digests value={value} change={change} />
      <Budgets value={value} change={change} />
    </div>
  );
}

interface PartProps {
  value: QuietHours;
  change: (what: QuietChange) => void;
}

/** How it looks until the server has answered. */
function previewed(now: QuietHours, what: QuietChange): QuietHours {
  const { quiet_hours, ...rest } = what;
  const hours = quiet_hours === undefined ? now.quiet_hours : (quiet_hours ?? {});
  return { ...now, ...rest, quiet_hours: hours };
}

function Disturb(props: { until: string | null; change: PartProps["change"] }): VNode {
  const { t, locale } = useSession();
  const { until, change } = props;
  const set = (when: string | null): void => change({ do_not_disturb_until: when });
  const isOn = isMuted(until);
  return (
    <div class="panels-setting">
      <span class="panels-setting-words">
        <span>{t("quiet.dnd")}</span>
        <span class="ui-hint">
          {isOn ? t("quiet.dnd.until", { when: fully(until ?? "", locale) }) : t("quiet.dnd.off")}
        </span>
      </span>
      {isOn ? (
        <Button size="small" onClick={() => set(null)}>
          {t("quiet.dnd.end")}
        </Button>
      ) : (
        <Menu
          label={t("quiet.dnd")}
          trigger={t("quiet.dnd.on")}
          triggerClass="ui-button ui-button-plain ui-button-small"
          entries={[
            { label: t("mute.hour"), onSelect: () => set(inHours(1)) },
            { label: t("mute.eight"), onSelect: () => set(inHours(8)) },
            { label: t("mute.tomorrow"), onSelect: () => set(tomorrow()) },
            { label: t("mute.week"), onSelect: () => set(inHours(7 * 24)) },
          ]}
        />
      )}
    </div>
  );
}

function Digests({ value, change }: PartProps): VNode {
  const { t, locale } = useSession();
  const { digest_at: at, digest_weekday: day, in_force: inForce } = value;
  return (
    <fieldset class="panels-group-of panels-inset">
      <legend class="ui-label">{t("quiet.digest")}</legend>
      <label class="ui-field">
        <span>{t("quiet.digest.at")}</span>
        <span class="panels-beside">
          <input
            class="ui-input"
            type="time"
            value={at ?? inForce.digest_at}
            onChange={(event) => {
              const { value: chosen } = event.currentTarget;
              change({ digest_at: chosen === "" ? null : chosen });
            }}
          />
          {at !== null && (
            <Button kind="quiet" onClick={() => change({ digest_at: null })}>
              {t("quiet.digest.reset")}
            </Button>
          )}
        </span>
      </label>
      <label class="ui-field">
        <span>{t("quiet.digest.day")}</span>
        <select
          class="ui-select"
          value={day ?? ""}
          onChange={(event) => {
            const chosen = DAYS.find((each) => each === event.currentTarget.value);
            change({ digest_weekday: chosen ?? null });
          }}
        >
          <option value="">
            {t("quiet.digest.default", {
              value: weekdayName(inForce.digest_weekday, locale),
            })}
          </option>
          {DAYS.map((each) => (
            <option key={each} value={each}>
              {weekdayName(each, locale)}
            </option>
          ))}
        </select>
      </label>
    </fieldset>
  );
}

// What the server takes.
const MOST_A_DAY = 10_000;

function Budgets({ value, change }: PartProps): VNode {
  const { t } = useSession();
  const field = (name: "daily_pushes" | "daily_emails", label: string): VNode => (
    <label class="ui-field">
      <span>{label}</span>
      <input
        class="ui-input"
        type="number"
        inputMode="numeric"
        min={0}
        max={MOST_A_DAY}
        placeholder={t("quiet.budget.none")}
        value={value[name] ?? ""}
        onChange={(event) => {
          const { value: text, valueAsNumber: count } = event.currentTarget;
          const isCount = Number.isSafeInteger(count) && count >= 0 && count <= MOST_A_DAY;
          if (isCount || text === "") change({ [name]: isCount ? count : null });
        }}
      />
    </label>
  );
  return (
    <fieldset class="panels-group-of panels-inset">
      <legend class="ui-label">{t("quiet.budget")}</legend>
      <p class="ui-hint">{t("quiet.budget.help")}</p>
      <div class="panels-two">
        {field("daily_pushes", t("quiet.budget.push"))}
        {field("daily_emails", t("quiet.budget.email"))}
      </div>
    </fieldset>
  );
}
