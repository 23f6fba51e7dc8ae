import type { Calls } from "@callboard/client";
import type { VNode } from "preact";
import { useSession } from "../session.js";
import { Setting, Switch } from "./Switch.js";

type Value = Calls["GET /v1/privacy"]["answer"];
type Change = NonNullable<Calls["PUT /v1/privacy"]["body"]>;

interface PrivacyProps {
  value: Value;
  save: (change: Change, preview: (now: Value) => Value) => void;
}

const SHOWN = ["receipts", "presence", "typing"] as const;
const WHO = ["everyone", "participants", "nobody"] as const;

/** What others see of one, and who may ask for a connection. */
export function Privacy({ value, save }: PrivacyProps): VNode {
  const { t } = useSession();
  const change = (what: Change): void => save(what, (now) => ({ ...now, ...what }));
  return (
    <div class="panels-settings">
      {SHOWN.map((each) => (
        <Setting key={each} label={t(`privacy.${each}`)} help={t(`privacy.${each}.help`)}>
          <Switch
            isOn={!value[`hide_${each}`]}
            onChange={(isOn) => change({ [`hide_${each}`]: !isOn })}
          />
        </Setting>
      ))}
      <label class="ui-field panels-inset">
        <span>{t("privacy.requests")}</span>
        <select
          class="ui-select"
          value={value.connection_requests}
          onChange={(event) => {
            const chosen = WHO.find((each) => each === event.currentTarget.value);
            if (chosen) change({ connection_requests: chosen });
          }}
        >
          {WHO.map((each) => (
            <option key={each} value={each}>
              {t(`privacy.requests.${each}`)}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}
