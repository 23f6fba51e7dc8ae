import type { Calls } from "@callboard/client";
import type { VNode } from "preact";
import { isKey, type Translate } from "../i18n.js";
import { useSession } from "../session.js";
import { Button } from "../ui/Button.js";
import { Icon } from "../ui/Icon.js";
import { Cell } from "./MatrixCell.js";
import { ModeChoice } from "./ModeChoice.js";
import {
  CHANNELS,
  type Channel,
  type Choices,
  CLASSES,
  type Class,
  choosing,
  hasChoices,
  type Preferences,
  type TypePreferences,
  takenBack,
} from "./preferences.js";
import { Switch } from "./Switch.js";

export type SavePreferences = (change: Choices, preview: (now: Preferences) => Preferences) => void;

interface MatrixProps {
  value: Calls["GET /v1/notification-preferences"]["answer"];
  save: SavePreferences;
}

/** For each type and channel how one is told; above them whole channels and classes. */
export function Matrix({ value, save }: MatrixProps): VNode {
  const { t } = useSession();
  return (
    <>
      <section class="panels-matrix-part">
        <h3 class="panels-section">{t("prefs.everything")}</h3>
        <p class="ui-hint panels-inset">{t("prefs.everything.help")}</p>
        <Heads />
        <div class="panels-matrix-row">
          <span class="panels-matrix-name">{t("prefs.everything.all")}</span>
          {CHANNELS.map((channel) => (
            <Whole key={channel} channel={channel} value={value} save={save} />
          ))}
        </div>
      </section>
      {CLASSES.map((name) => (
        <ClassPart key={name} name={name} value={value} save={save} />
      ))}
    </>
  );
}

function Heads(): VNode {
  const { t } = useSession();
  return (
    <div class="panels-matrix-row panels-matrix-heads" aria-hidden="true">
      <span />
      {CHANNELS.map((channel) => (
        <span key={channel}>{t(`prefs.channel.${channel}`)}</span>
      ))}
    </div>
  );
}

/** A channel as a whole: on as each says, or off. */
function Whole({ channel, value, save }: MatrixProps & { channel: Channel }): VNode {
  const { t } = useSession();
  const choice = value.channels[channel]?.mode ?? null;
  const label = t("prefs.whole", { channel: t(`prefs.channel.${channel}`) });
  if (channel === "email") {
    return (
      <ModeChoice
        label={label}
        mode={choice}
        modes={["off", "instant", "hourly", "daily", "weekly"]}
        none={t("prefs.class.each")}
        onChoose={(mode) => save(...choosing("*", channel, mode))}
      />
    );
  }
  return (
    <span class="panels-matrix-cell">
      <Switch
        label={label}
        isOn={choice !== "off"}
        onChange={(isOn) => save(...choosing("*", channel, isOn ? null : "off"))}
      />
    </span>
  );
}

function ClassPart({ name, value, save }: MatrixProps & { name: Class }): VNode | null {
  const { t } = useSession();
  const types = value.types.filter((each) => each.class === name);
  if (types.length === 0) return null;
  return (
    <section class="panels-matrix-part">
      <header class="panels-section panels-section-with">
        <h3>{t(`prefs.class.${name}`)}</h3>
        {hasChoices(value, name) && (
          <Button size="small" kind="quiet" onClick={() => save(...takenBack(value, name))}>
            {t("prefs.reset")}
          </Button>
        )}
      </header>
      <p class="ui-hint panels-inset">{t(`prefs.class.${name}.help`)}</p>
      <Heads />
      {types.length > 1 && <ClassRow name={name} value={value} save={save} />}
      {types.map((type) => (
        <TypeRow key={type.type} type={type} value={value} save={save} />
      ))}
    </section>
  );
}

/** All types of a class together: what holds where none of them says otherwise. */
function ClassRow({ name, value, save }: MatrixProps & { name: Class }): VNode {
  const { t } = useSession();
  const all = `${t(`prefs.class.${name}`)}, ${t("prefs.class.all")}`;
  return (
    <div class="panels-matrix-row panels-matrix-class">
      <span class="panels-matrix-name">{t("prefs.class.all")}</span>
      {CHANNELS.map((channel) => {
        const label = t("prefs.cell", { channel: t(`prefs.channel.${channel}`), type: all });
        if (channel === "in_app" && name === "service") return <span key={channel} />;
        return (
          <ModeChoice
            key={channel}
            label={label}
            mode={value.classes[name]?.[channel]?.mode ?? null}
            modes={
              channel === "email"
                ? ["off", "instant", "hourly", "daily", "weekly"]
                : ["off", "instant"]
            }
            none={t("prefs.class.each")}
            onChoose={(mode) => save(...choosing(`class:${name}`, channel, mode))}
          />
        );
      })}
    </div>
  );
}

function TypeRow({ type, value, save }: MatrixProps & { type: TypePreferences }): VNode {
  const { t } = useSession();
  const name = nameOfType(type.type, t);
  return (
    <div class="panels-matrix-row">
      <span class="panels-matrix-name">
        {name}
        {type.required && (
          <span class="ui-hint panels-required">
            <Icon name="lock" />
            {t("prefs.locked.required")}
          </span>
        )}
      </span>
      {CHANNELS.map((channel) => (
        <Cell key={channel} type={type} name={name} channel={channel} value={value} save={save} />
      ))}
    </div>
  );
}

/** What a type is called; a platform's own by its words. */
export function nameOfType(type: string, t: Translate): string {
  const key = `prefs.type.${type}`;
  if (isKey(key)) return t(key);
  const words = type.replace(/[._-]+/g, " ").trim();
  return words.charAt(0).toLocaleUpperCase() + words.slice(1);
}
