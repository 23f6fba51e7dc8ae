import type { VNode } from "preact";
import { useSession } from "../session.js";
import type { Mode } from "./preferences.js";

interface ModeChoiceProps {
  label: string;
  mode: Mode | null;
  modes: readonly Mode[];
  /** What is said for no choice of one's own, where that can be chosen. */
  none?: string;
  disabled?: boolean;
  title?: string;
  onChoose: (mode: Mode | null) => void;
}

/** How often a channel tells: off, at once, or gathered. */
export function ModeChoice(props: ModeChoiceProps): VNode {
  const { t } = useSession();
  const { label, mode, modes, none, disabled = false, title, onChoose } = props;
  return (
    <select
      class="panels-mode"
      aria-label={label}
      title={title ?? label}
      disabled={disabled}
      value={mode ?? ""}
      onChange={(event) => {
        const { value } = event.currentTarget;
        onChoose(modes.find((each) => each === value) ?? null);
      }}
    >
      {none !== undefined && <option value="">{none}</option>}
      {modes.map((each) => (
        <option key={each} value={each}>
          {t(`prefs.mode.${each}`)}
        </option>
      ))}
    </select>
  );
}
