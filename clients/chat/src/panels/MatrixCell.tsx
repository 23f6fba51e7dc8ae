import type { VNode } from "preact";
import { useSession } from "../session.js";
import { Icon } from "../ui/Icon.js";
import type { SavePreferences } from "./Matrix.js";
import { ModeChoice } from "./ModeChoice.js";
import { type Channel, choosing, type Preferences, type TypePreferences } from "./preferences.js";
import { Switch } from "./Switch.js";

interface CellProps {
  type: TypePreferences;
  /** What the type is called. */
  name: string;
  channel: Channel;
  value: Preferences;
  save: SavePreferences;
}

/** How one channel tells of one type: a switch, a choice, or why there is none. */
export function Cell({ type, name, channel, value, save }: CellProps): VNode {
  const { t } = useSession();
  const at = type.channels[channel];
  const where = t(`prefs.channel.${channel}`);
  const label = t("prefs.cell", { channel: where, type: name });
  if (!at) return <span />;
  const [only] = at.modes;
  if (at.modes.length === 1 && only) {
    return <Fixed isOn={only !== "off"} label={label} why={whyFixed(type, channel, only)} />;
  }
  // Where a channel is off as a whole, choices for types wait behind it.
  const isOff = at.source === "channel" && value.channels[channel]?.mode === "off";
  const title = isOff ? t("prefs.locked.channel", { channel: where }) : undefined;
  const said = title ? `${label}. ${title}` : label;
  if (at.modes.length > 2 || !at.modes.includes("off")) {
    return (
      <ModeChoice
        label={said}
        mode={at.mode}
        modes={at.modes}
        disabled={isOff}
        {...(title ? { title } : {})}
        onChoose={(mode) => save(...choosing(type.type, channel, mode))}
      />
    );
  }
  return (
    <span class="panels-matrix-cell">
      <Switch
        label={said}
        isOn={at.mode !== "off"}
        disabled={isOff}
        {...(title ? { title } : {})}
        onChange={(isOn) => save(...choosing(type.type, channel, isOn ? "instant" : "off"))}
      />
    </span>
  );
}

type Why = "prefs.locked.required" | "prefs.locked.service" | "prefs.locked.conversation";

function whyFixed(type: TypePreferences, channel: Channel, only: string): Why {
  if (only === "off") return "prefs.locked.conversation";
  return type.required && channel !== "in_app" ? "prefs.locked.required" : "prefs.locked.service";
}

function Fixed(props: { isOn: boolean; label: string; why: Why }): VNode {
  const { t } = useSession();
  return (
    <span class="panels-matrix-cell panels-fixed" title={t(props.why)}>
      <Icon name={props.isOn ? "lock" : "message"} />
      <span class="unseen">
        {props.label}: {t(props.why)}
      </span>
    </span>
  );
}
