import type { VNode } from "preact";
import { useMemo } from "preact/hooks";
import { useSession } from "../session.js";

interface ZoneProps {
  chosen: string | null;
  inForce: string;
  onChange: (zone: string | null) => void;
}

/** In which zone one's days are. */
export function Zone({ chosen, inForce, onChange }: ZoneProps): VNode {
  const { t } = useSession();
  const zones = useMemo(() => {
    const here = new Intl.DateTimeFormat().resolvedOptions().timeZone;
    const all = new Set([here, ...Intl.supportedValuesOf("timeZone")]);
    // One that this browser does not know may have been chosen elsewhere.
    if (chosen) all.add(chosen);
    return [...all];
  }, [chosen]);
  return (
    <label class="ui-field panels-inset">
      <span>{t("quiet.zone")}</span>
      <select
        class="ui-select"
        value={chosen ?? ""}
        onChange={(event) => onChange(event.currentTarget.value || null)}
      >
        <option value="">
          {t(chosen ? "quiet.zone.none" : "quiet.zone.default", { zone: inForce })}
        </option>
        {zones.map((zone) => (
          <option key={zone} value={zone}>
            {zone.replaceAll("_", " ")}
          </option>
        ))}
      </select>
    </label>
  );
}
